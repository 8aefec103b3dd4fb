"""Gains that several proxies share: how much nearer an action leads to some cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float32

from mechinterp.coinrun.distances import distance, resting_y, steps_to
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.state import GameState
from mechinterp.proxies.decisions import Decision
from mechinterp.proxies.futures import Futures
from mechinterp.proxies.proxy import Gain

IN_VIEW = 6
"""Columns from the agent to the edge of the frame (13 x 13 cells, the agent in the middle)."""


def nearer_to(cells: Callable[[Decision], Sequence[Cell]]) -> Gain:
    """The gain of a proxy that is some cells: the steps through open cells to them, before minus after.

    Where a decision has none of these cells, or none that can be come to, the gain is 0.
    """

    def gain(futures: Futures) -> Float32[np.ndarray, "decisions plans horizons"]:
        found = np.zeros(futures.died.shape, np.float32)
        for at, decision in enumerate(futures.decisions):
            if wanted := cells(decision):
                steps, resting = steps_to(decision.state, wanted), resting_y(decision.state)
                before = distance(steps, resting, futures.before[at])
                after = distance(steps, resting, futures.xy[at])
                known = np.isfinite(after) & np.isfinite(before)
                found[at] = np.where(known, before - np.where(known, after, 0.0), 0.0)
        return found

    return gain


def in_view(state: GameState, column: int) -> bool:
    """Whether a column of the level is in the frame."""
    return abs(column + 0.5 - state.agent_xy[0]) <= IN_VIEW


def column(state: GameState, x: int) -> list[Cell]:
    """The cells of one column."""
    return [(x, y) for y in range(state.grid.shape[0])]
