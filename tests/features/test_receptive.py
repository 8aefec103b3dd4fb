"""The geometry read off the layers is the geometry that gradients show."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from mechinterp.features import FeatureError, grids
from mechinterp.policies import DistillConfig, ImpalaConfig, NatureConfig, build, light_impala

CONFIGS = {
    "impala": ImpalaConfig(channels=(3, 4), res_blocks=1, hidden=6),
    "light": light_impala(hidden=8),
    "nature": NatureConfig(channels=(3, 4, 3), hidden=6),
    "distill": DistillConfig(channels=(2, 3, 2, 3, 2), hidden=(6, 5)),
}


def lit(policy, name: str, row: int, column: int) -> tuple[np.ndarray, np.ndarray]:
    """First and last pixel (row, column) that the cell depends on, by its gradient."""
    for module in policy.modules():  # average instead of the largest, so that every pixel counts
        for key, child in module.named_children():
            if isinstance(child, nn.MaxPool2d):
                setattr(module, key, nn.AvgPool2d(child.kernel_size, child.stride, child.padding))
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.fill_(1e-2)
    image = torch.ones(1, 3, 64, 64, requires_grad=True)
    value = policy(start_at="hook_input", values={"hook_input": image}, stop_at=name)
    value[0, 0, row, column].backward()
    pixels = np.argwhere(image.grad.abs().sum((0, 1)).numpy() > 0)
    return pixels.min(0), pixels.max(0)


@pytest.mark.parametrize("config", CONFIGS)
def test_centres_and_reach_are_those_that_gradients_show(config: str):
    policy = build(CONFIGS[config])
    places = {name: grid for name, grid in grids(policy).items() if grid is not None}
    checked = 0
    for name, grid in places.items():
        assert policy.shapes[name][1] == grid.side
        row = grid.side // 2
        if (
            grid.centre + grid.stride * row - grid.reach / 2 < 0
            or grid.centre + grid.stride * row + grid.reach / 2 > 64
        ):
            continue  # the frame's edge cuts it off
        first, last = lit(build(CONFIGS[config]), name, row, row)
        assert (last - first + 1 == grid.reach).all(), name
        assert ((first + last + 1) / 2 == grid.centre + grid.stride * row).all(), name
        checked += 1
    assert checked >= 4


def test_the_nearest_cell_is_the_one_with_the_nearest_centre():
    grid = grids(build(CONFIGS["nature"]))["layer3.hook_relu"]
    assert grid is not None
    points = np.random.default_rng(0).uniform(0, 64, (50, 2))
    centres = grid.centre + grid.stride * np.arange(grid.side)
    expected = np.abs(points[..., None] - centres).argmin(-1)
    assert (grid.nearest(points) == expected).all()


def test_rows_of_numbers_have_no_grid():
    found = grids(build(CONFIGS["impala"]))
    assert [name for name, grid in found.items() if grid is None] == [
        "trunk.hook_flat", "hidden.hook_pre", "hidden.hook_post", "hook_logits", "hook_value",
    ]  # fmt: skip


def test_a_layer_without_known_geometry_is_refused():
    policy = build(CONFIGS["impala"])
    policy.get_submodule("block1").conv = nn.Conv2d(3, 3, 3, padding=2, dilation=2)
    with pytest.raises(FeatureError, match=r"block1.hook_conv: the receptive field of Conv2d.* is not known"):
        grids(policy)
