"""The sections that a stock level is built of, read back from its start state."""

from __future__ import annotations

import numpy as np

from mechinterp.coinrun import geometry
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.layout import EntityType
from mechinterp.coinrun.state import GameState

FIRST_SECTION = 5
"""The column where the game's first section begins, after a flat start."""


def section_starts(state: GameState) -> tuple[Cell, ...]:
    """The first cell on the ground of each section, left to right; ``state`` is a stock level at its start.

    The game builds a level from left to right out of one to five sections. Each has a height that differs from the one
    before it, and some have a pit in the middle: columns with ground at height 0 only, all of them with a hazard on it,
    and perhaps a platform over it at the section's own height. So a section begins where the surface changes its
    height, except into and out of a pit.
    """
    heights = geometry.ground_height(state)
    deadly = geometry.lava(state)[1] | np.isin(
        np.arange(state.grid.shape[1]),
        [x for x, y in geometry.entity_cells(state, EntityType.SAW, EntityType.ENEMY) if y == 1],
    )
    starts: list[Cell] = []
    current, in_pit = 1, False
    for x in range(FIRST_SECTION, geometry.end_x(state)):
        if heights[x] == current:
            in_pit = False
            continue
        # Lava counts as ground in `heights`, so look at what lies on the floor rather than at the height.
        in_pit = in_pit or bool(starts and deadly[x] and heights[x] < current and not _has_floor(state, x))
        if not in_pit:
            current = int(heights[x])
            starts.append((x, current))
    return tuple(starts)


def _has_floor(state: GameState, x: int) -> bool:
    """Whether the column has rock above its bottom row (the ceiling aside)."""
    return bool(geometry.solid(state)[1:-1, x].any())
