"""Stages found by structure are those that the three architectures' names mark."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mechinterp.policies import (
    DistillConfig,
    ImpalaConfig,
    NatureConfig,
    bottlenecks,
    build,
    light_impala,
    stage_outputs,
    stage_writers,
)

CONFIGS = {
    "impala": ImpalaConfig(),
    "small": ImpalaConfig(channels=(3, 4), res_blocks=1, hidden=6),
    "light": light_impala(hidden=8),
    "nature": NatureConfig(),
    "distill": DistillConfig(),
}


@pytest.mark.parametrize("config", CONFIGS)
def test_outputs_are_the_hook_points_whose_names_say_so(config: str):
    policy = build(CONFIGS[config])
    ends = ("hook_pool", "hook_out", "hook_relu", "hook_post")
    found = stage_outputs(policy)
    assert found == tuple(name for name in policy.hook_names if name.rpartition(".")[2] in ends)
    assert {len(policy.shapes[name]) for name in found} == {1, 3}  # there are maps and rows of numbers


@pytest.mark.parametrize("config", CONFIGS)
def test_writers_are_all_convolutions_but_the_first_of_a_residual_branch(config: str):
    policy = build(CONFIGS[config])
    convs = [
        node.name
        for node in policy.nodes
        if isinstance(policy.get_submodule(node.module), nn.Conv2d) and not node.name.endswith("hook_conv1")
    ]
    assert stage_writers(policy) == tuple(convs)


@pytest.mark.parametrize("config", CONFIGS)
def test_bottlenecks_alone_decide_the_output(config: str):
    policy = build(CONFIGS[config], seed=1)
    frames = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    whole, values = policy.capture(frames)
    through = bottlenecks(policy)
    for name in through:
        assert torch.equal(policy(start_at=name, values={name: values[name]}).logits, whole.logits)
    assert {policy.frontier(name) == (name,) for name in set(policy.hook_names) - set(through)} == {False}


def test_stages_by_name():
    assert stage_outputs(build(CONFIGS["small"])) == (
        "block1.hook_pool", "block1.res1.hook_out", "block2.hook_pool", "block2.res1.hook_out", "trunk.hook_relu",
        "hidden.hook_post",
    )  # fmt: skip
    assert stage_outputs(build(CONFIGS["nature"])) == (
        "layer1.hook_relu", "layer2.hook_relu", "layer3.hook_relu", "hidden.hook_post"
    )  # fmt: skip
