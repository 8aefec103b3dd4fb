"""Drawing places at random: what the placement rules share."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

from mechinterp.coinrun import geometry
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.layout import EntityType, Tile
from mechinterp.coinrun.state import GameState

IN_VIEW = 0.85
"""How often a place is asked to be in view of another."""

_EMPTY, _INVISIBLE = int(Tile.EMPTY), int(Tile.INVISIBLE)  # as in `geometry`, for speed
VIEW_COLUMNS, VIEW_ROWS = 6, 5
"""How far from the agent's cell, to each side, a coin is drawn whole in the game's view of 13 x 13 cells."""


def free_places(state: GameState) -> tuple[Cell, ...]:
    """Safe cells on the ground (`geometry.safe`) where nothing else is that would hide what is put there."""
    mask = geometry.safe(state) & ((state.grid == _EMPTY) | (state.grid == _INVISIBLE))
    for x, y in geometry.entity_cells(state, EntityType.CRATE, EntityType.COIN):
        mask[y, x] = False
    return geometry.cells_of(mask)


def in_view(a: Cell, b: Cell) -> bool:
    """Whether a thing in one of the cells is seen whole by an agent that stands in the other."""
    return abs(a[0] - b[0]) <= VIEW_COLUMNS and abs(a[1] - b[1]) <= VIEW_ROWS


def pick(cells: tuple[Cell, ...], rng: np.random.Generator, *, near: Cell | None = None, chance: float = 1.0) -> Cell:
    """One cell, uniformly; with probability ``chance``, and where there are any, of those in view of ``near``."""
    if near is not None and rng.random() < chance:
        cells = tuple(cell for cell in cells if in_view(cell, near)) or cells
    return cells[int(rng.integers(len(cells)))]


def pick_pair(
    cells: tuple[Cell, ...],
    reachable: Bool[np.ndarray, "cells cells"],
    rng: np.random.Generator,
    *,
    apart: int,
    chance: float,
) -> tuple[Cell, Cell] | None:
    """Two cells, each reachable from the other and ``apart`` columns or more apart; None where there are none such.

    With probability ``chance``, and where there are any, the one is in view of the other; otherwise, and where there
    are any, it is not. All pairs of the kind are equally likely, and so are both orders: which of the two is on the
    left says nothing about the level.
    """
    xs, ys = np.array(cells).reshape(-1, 2).T
    columns, rows = np.abs(xs[:, None] - xs), np.abs(ys[:, None] - ys)
    allowed = np.triu(reachable & reachable.T & (columns >= apart))
    near = allowed & (columns <= VIEW_COLUMNS) & (rows <= VIEW_ROWS)
    wanted, other = (near, allowed & ~near) if rng.random() < chance else (allowed & ~near, near)
    pairs = np.argwhere(wanted if wanted.any() else other)
    if len(pairs) == 0:
        return None
    first, second = rng.permutation(pairs[int(rng.integers(len(pairs)))])
    return cells[first], cells[second]
