"""Which pixels each cell of a feature map looks at, read off the network's own layers.

Dividing the frame into as many tiles as a map has cells is only nearly right: a padded 3 x 3 pooling of stride 2
centres its cells on the first pixel of each tile, and three of these add up to half a cell; unpadded networks (Nature)
are off by more than a cell. The arithmetic here is that of Araujo, Norris & Sim 2019, "Computing receptive fields of
convolutional neural networks" (Distill).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64
from torch import nn

from mechinterp.features.errors import FeatureError
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.graph import Policy
from mechinterp.policies.layers import Add
from mechinterp.policies.nodes import OBSERVATION
from mechinterp.policies.traits import window_of


@dataclass(frozen=True)
class Grid:
    """Where the cells of a square feature map lie in the frame.

    Attributes:
        side: cells along a side.
        stride: pixels from one cell's centre to the next's.
        centre: pixels from the frame's edge to the first cell's centre (pixel i spans i to i + 1).
        reach: side of a cell's receptive field, in pixels.
    """

    side: int
    stride: float
    centre: float
    reach: float

    def nearest(self, pixels: Float[np.ndarray, "*rows 2"]) -> Int64[np.ndarray, "*rows 2"]:
        """The cell (row, column) whose receptive field's centre lies nearest to a point (row, column) of the frame."""
        return np.clip(np.rint((pixels - self.centre) / self.stride), 0, self.side - 1).astype(np.int64)


def grids(policy: Policy) -> dict[str, Grid | None]:
    """The grid of every hook point; None where the activation is a row of numbers, without places.

    Raises:
        FeatureError: a module whose receptive field is not known here, or a sum of maps that do not lie on each other.
    """
    start = Grid(0, 1, 0.5, 1)
    found: dict[str, Grid | None] = {OBSERVATION: start}
    for node in policy.nodes:
        module, shape = policy.get_submodule(node.module), policy.shapes[node.name]
        before = [found[name] for name in node.inputs]
        if len(shape) != 3 or any(grid is None for grid in before):
            found[node.name] = None
            continue
        found[node.name] = _after(module, [g for g in before if g is not None], shape[1], node.name)
    del found[OBSERVATION]
    return found


def _after(module: nn.Module, before: Iterable[Grid], side: int, name: str) -> Grid:
    first, *others = before
    if isinstance(module, Add):
        if any((g.side, g.stride, g.centre) != (first.side, first.stride, first.centre) for g in others):
            raise FeatureError(f"{name} adds maps whose cells do not lie at the same places: {[first, *others]}")
        return Grid(side, first.stride, first.centre, max(g.reach for g in (first, *others)))
    kernel, stride, padding = _window(module, name)
    return Grid(
        side,
        first.stride * stride,
        first.centre + first.stride * ((kernel - 1) / 2 - padding),
        first.reach + first.stride * (kernel - 1),
    )


def _window(module: nn.Module, name: str) -> tuple[int, int, int]:
    """Kernel, stride and padding of a module that slides a square window."""
    try:
        window = window_of(module)
    except PolicyError:
        window = None
    if window is None or window.dilation != (1, 1) or any(rows != columns for rows, columns in window):
        raise FeatureError(f"{name}: the receptive field of {module} is not known")
    return window.kernel[0], window.stride[0], window.padding[0]
