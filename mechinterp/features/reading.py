"""Activations at one place of every frame, read in one pass without keeping any map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor
from transformer_lens.hook_points import HookPoint

from mechinterp.features.errors import FeatureError
from mechinterp.features.frames import Frames, frame_array
from mechinterp.features.receptive import Grid, grids
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import FRAME

BATCH = 64
"""Frames per forward pass."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What was read at one hook point.

    Attributes:
        values: a row a frame; a column a channel of the map, or a number of the row.
        low, high: the smallest and largest value of each channel, anywhere in any frame.
    """

    values: Float32[np.ndarray, "frames channels"]
    low: Float32[np.ndarray, " channels"]
    high: Float32[np.ndarray, " channels"]


def read_places(
    policy: Policy,
    frames: Frames,
    pixels: Float[np.ndarray, "frames 2"],
    names: Sequence[str],
    *,
    radius: int = 1,
    batch: int = BATCH,
) -> dict[str, Reading]:
    """Activations around a point of each frame: the mean over the cell that looks at it and its neighbours.

    Args:
        pixels: (row, column) of the point, in pixels from the upper left corner.
        names: hook points, checked by `Policy.select`.
        radius: neighbours taken on each side: 1 for the 3 x 3 cells around the nearest one, 0 for that cell alone.
            Cells beyond the map's edge are left out. Where the activation is a row of numbers, it is read whole.
        batch: frames per forward pass.

    Raises:
        FeatureError: frames that are not uint8 [frames, 64, 64, 3], points outside them, or a radius below 0.
    """
    return read_several(policy, frames, [pixels], names, radius=radius, batch=batch)[0]


@torch.no_grad()
def read_several(
    policy: Policy,
    frames: Frames,
    points: Sequence[Float[np.ndarray, "frames 2"]],
    names: Sequence[str],
    *,
    radius: int = 1,
    batch: int = BATCH,
) -> list[dict[str, Reading]]:
    """`read_places` at several points of each frame, for one forward pass; a reading for each list of points."""
    frames = frame_array(frames)
    for pixels in points:
        _check(frames, pixels, radius, batch)
    where = grids(policy)
    device = next(policy.parameters()).device
    widths = {name: (policy.shapes[name] or (1,))[0] for name in names}
    read = [{name: np.empty((len(frames), width), np.float32) for name, width in widths.items()} for _ in points]
    low = {name: torch.full((width,), torch.inf, dtype=torch.float32, device=device) for name, width in widths.items()}
    high = {name: -low[name] for name in names}
    for at in range(0, len(frames), batch):
        rows = slice(at, min(at + batch, len(frames)))

        def note(value: Tensor, hook: HookPoint, rows: slice = rows) -> None:
            name, grid = str(hook.name), where[str(hook.name)]
            flat = value if value.ndim > 1 else value[:, None]
            axes = (0, 2, 3) if grid is not None else (0,)
            low[name] = torch.minimum(low[name], flat.amin(axes))
            high[name] = torch.maximum(high[name], flat.amax(axes))
            for own, pixels in zip(read, points, strict=True):
                mean = flat if grid is None else _around(flat, grid, pixels[rows], radius)
                own[name][rows] = mean.cpu().numpy()

        with policy.hooks_on(dict.fromkeys(names, note)):
            policy(torch.tensor(frames[rows], device=device), stop_at=names[-1])
    ends = {name: (low[name].cpu().numpy(), high[name].cpu().numpy()) for name in names}
    return [{name: Reading(own[name], *ends[name]) for name in names} for own in read]


def _around(
    maps: Float[Tensor, "batch channels side side"], grid: Grid, pixels: Float[np.ndarray, "batch 2"], radius: int
) -> Float[Tensor, "batch channels"]:
    """Mean over the cells around the points."""
    centre = grid.nearest(pixels)
    total, count = torch.zeros(maps.shape[:2], device=maps.device, dtype=maps.dtype), np.zeros((len(maps), 1))
    everyone = torch.arange(len(maps), device=maps.device)
    for row, column in _offsets(radius):
        cells: Int64[np.ndarray, "batch 2"] = centre + np.array([row, column])
        inside = ((cells >= 0) & (cells < grid.side)).all(1, keepdims=True)
        rows, columns = torch.from_numpy(cells.clip(0, grid.side - 1).T).to(maps.device)
        weight = torch.from_numpy(inside).to(maps)
        total += weight * maps[everyone, :, rows, columns]
        count += inside
    return total / torch.from_numpy(count).to(maps)


def _offsets(radius: int) -> Iterator[tuple[int, int]]:
    for row in range(-radius, radius + 1):
        for column in range(-radius, radius + 1):
            yield row, column


def _check(frames: np.ndarray, pixels: np.ndarray, radius: int, batch: int) -> None:
    if pixels.shape != (len(frames), 2):
        raise FeatureError(f"places must be (row, column) for each of {len(frames)} frames, got {list(pixels.shape)}")
    outside = ~((pixels >= 0) & (pixels < FRAME)).all(1)
    if outside.any():
        first = int(np.flatnonzero(outside)[0])
        raise FeatureError(
            f"{int(outside.sum())} places lie outside the {FRAME} x {FRAME} frame (first: {tuple(pixels[first])} of "
            f"frame {first}); leave these frames out"
        )
    if radius < 0 or batch < 1:
        raise FeatureError(f"radius must be 0 or more and batch 1 or more, got {radius} and {batch}")
