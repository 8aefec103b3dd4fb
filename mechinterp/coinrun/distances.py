"""How far it is through the open cells of a level, from wherever the agent is to one of some cells."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Bool, Float32

from mechinterp.coinrun.geometry import Cell, inside, solid
from mechinterp.coinrun.state import GameState


def steps_to(state: GameState, cells: Iterable[Cell]) -> Float32[np.ndarray, "h w"]:
    """For each cell, the fewest moves to a side, up or down through open cells to the nearest of `cells`.

    Rock closes a cell; gravity and hazards do not count. Infinite where there is no way, and in rock.
    """
    closed = solid(state)
    found = np.full(closed.shape, np.inf, np.float32)
    front = np.zeros_like(closed)
    for x, y in cells:
        if inside(state, (x, y)):
            front[y, x] = True
    steps = 0
    while front.any():
        found[front] = steps
        steps += 1
        front = _beside(front) & ~closed & np.isinf(found)
    return found


def resting_y(state: GameState) -> Float32[np.ndarray, "h w"]:
    """For each cell, the row in which something that falls straight down from it comes to rest (its own, in rock)."""
    closed = solid(state)
    rows = np.arange(len(closed), dtype=np.float32)[:, None]
    floor = np.where(closed, rows, -1.0)
    return np.where(closed, rows, np.maximum.accumulate(floor, axis=0) + 1).astype(np.float32)


def distance(
    steps: Float32[np.ndarray, "h w"],
    resting: Float32[np.ndarray, "h w"],
    xy: Float32[np.ndarray, "*places 2"],
) -> Float32[np.ndarray, "*places"]:
    """The steps from where an agent comes to rest that is let fall at these places, to a fraction of a cell sideways.

    Args:
        steps: of `steps_to`.
        resting: of `resting_y`.
        xy: centres of the agent, in cells.
    """
    height, width = steps.shape
    sideways = xy[..., 0] - 0.5
    left = np.clip(np.floor(sideways).astype(int), 0, width - 1)
    share = np.clip(sideways - left, 0.0, 1.0)
    row = np.clip(np.floor(xy[..., 1]).astype(int), 0, height - 1)
    ends = []
    for column in (left, np.minimum(left + 1, width - 1)):
        ends.append(steps[resting[row, column].astype(int), column])
    first, second = ends
    # Over an edge one of the two columns is rock, or far below: the agent is where its centre is.
    near = np.where(share < 0.5, first, second)
    joined = np.isfinite(first) & np.isfinite(second) & (np.abs(first - second) <= 1.5)
    between = np.where(joined, first, 0.0) * (1 - share) + np.where(joined, second, 0.0) * share
    return np.where(joined, between, near).astype(np.float32)


def _beside(mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    grown = np.zeros_like(mask)
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    return grown
