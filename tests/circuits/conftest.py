"""Small networks and frames, and patching as slowly and plainly as it can be written."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mechinterp.circuits import FramePairs
from mechinterp.policies import DistillConfig, ImpalaConfig, NatureConfig, build

CONFIGS = {
    "impala": ImpalaConfig(channels=(3, 5), res_blocks=2, hidden=7),
    "light": ImpalaConfig(
        channels=(4, 3), res_blocks=1, stem_kernel=5, stem_stride=2, hidden=6, actions=tuple(range(9))
    ),
    "nature": NatureConfig(channels=(3, 4, 3), hidden=6),
    "distill": DistillConfig(channels=(3, 2, 3, 2, 3), hidden=(6, 5)),
}


def random_frames(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)


def local_pairs(count: int, seed: int = 0) -> FramePairs:
    """Frames that differ in two small patches, as minimal pairs do."""
    clean = random_frames(count, seed)
    corrupted, other = clean.copy(), random_frames(count, seed + 1)
    for pair in range(count):
        corrupted[pair, 30:36, 20 + pair : 24 + pair] = other[pair, 30:36, 20 + pair : 24 + pair]
        corrupted[pair, 28:34, 44:49] = other[pair, 28:34, 44:49]
    return FramePairs(clean, corrupted, np.arange(count) // 2)


def lively(name: str):
    """A network whose logits differ by several nats between two frames, so that every patch matters."""
    policy = build(CONFIGS[name], seed=3)
    with torch.no_grad():
        logits = policy(torch.from_numpy(random_frames(8))).logits
        for head in (policy.logits, policy.value):
            head.weight *= 3 / logits.std(0).mean()
    return policy


@pytest.fixture(params=CONFIGS)
def policy(request):
    return lively(request.param)


@pytest.fixture(scope="module")
def impala():
    return lively("impala")


@torch.no_grad()
def slow_patch(policy, pairs, site, donor_values, *, direction="denoise", fn=None):
    """One patch in all pairs with one whole forward under a TransformerLens hook; logits and value."""
    base = pairs.corrupted if direction == "denoise" else pairs.clean

    def hooked(value, hook):
        new = value.clone()
        for pair in range(len(value)):
            donor = donor_values[pair if len(donor_values) > 1 else 0]
            if value.ndim == 1:
                new[pair] = donor
                continue
            channels = range(value.shape[1]) if site.channels is None else site.channels
            for channel in channels:
                if site.positions is None:
                    new[pair, channel] = donor[channel]
                    continue
                cells = site.positions.mask(*value.shape[2:])
                cells = cells[pair] if cells.ndim == 3 else cells
                new[pair, channel][cells] = donor[channel][cells]
        return new

    return policy.run_with_hooks(torch.from_numpy(base.copy()), fwd_hooks=[(site.hook, hooked)])
