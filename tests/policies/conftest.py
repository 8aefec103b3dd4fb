"""Small networks and frames."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from mechinterp.policies import DistillConfig, ImpalaConfig, NatureConfig, Policy, build, light_impala

CONFIGS = {
    "impala": ImpalaConfig(channels=(4, 6), res_blocks=2, hidden=12),
    "light": dataclasses.replace(light_impala(hidden=8), channels=(4, 6)),
    "nature": NatureConfig(channels=(4, 6, 5), hidden=10),
    "distill": DistillConfig(channels=(4, 5, 6, 5, 4), hidden=(9, 7)),
}


def random_frames(count: int, seed: int = 0) -> Tensor:
    return torch.randint(0, 256, (count, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def frames() -> Tensor:
    return random_frames(3)


@pytest.fixture(params=CONFIGS)
def policy(request: pytest.FixtureRequest) -> Policy:
    """Each architecture, small, with weights large enough for every node to matter."""
    return build(CONFIGS[request.param], seed=1)


@pytest.fixture
def impala() -> Policy:
    return build(CONFIGS["impala"], seed=1)
