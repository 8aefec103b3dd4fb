"""Edits of the coin, and of decoys: pictures of a coin that pay nothing and end nothing."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from mechinterp.coinrun import geometry
from mechinterp.coinrun.edits._shared import (
    EditError,
    as_cell,
    as_cells,
    body_cells,
    is_one_of,
    new_entity,
    of_state,
    require_open,
    with_cell,
)
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.layout import EntityType, Tile
from mechinterp.coinrun.state import GameState

_DECOY_RADIUS = 0.52
"""Half the side of a grid cell's picture: the game draws cells 0.02 larger to each side, to close the seams."""


@of_state
def move_coin(state: GameState, cell: Cell, *, leave: Tile = Tile.EMPTY) -> GameState:
    """The level's one coin in another cell; its old cell becomes ``leave``.

    Raises:
        EditError: where there is not exactly one coin, or no coin can be (see `add_coin`).
    """
    return add_coin(state.replace(grid=_without(state, [only_coin(state)], leave)), cell)


@of_state
def add_coin(state: GameState, cell: Cell) -> GameState:
    """One coin more. It may hang in the air.

    Raises:
        EditError: outside the grid, in rock or lava, in the cell of another coin or decoy, of a saw or crate (whose
            pictures would hide it), of an enemy barrier (which would be lost), or where it would be taken at once.
    """
    cell = as_cell(cell, "coin")
    _require_room(state, cell, "coin")
    if cell in body_cells(state):
        raise EditError(f"coin at {cell}: the agent stands there and would take it at once; choose another cell")
    return with_cell(state, cell, Tile.COIN)


@of_state
def remove_coin(state: GameState, cell: Cell | None = None, *, leave: Tile = Tile.EMPTY) -> GameState:
    """Without the coin of this cell, or without any coin.

    ``leave`` is what the cell becomes: `Tile.INVISIBLE` is a cell that is inert and not drawn, as the coin's old place
    is in the goal-misgeneralisation fork.

    Raises:
        EditError: where there is no coin to remove.
    """
    cell = cell if cell is None else as_cell(cell, "remove_coin")
    coins = state.coins if cell is None else [cell]
    if not coins:
        raise EditError("remove_coin: there is no coin in this level")
    if cell is not None and cell not in state.coins:
        raise EditError(f"remove_coin at {cell}: no coin there; coins are at {list(state.coins) or 'no cell'}")
    return state.replace(grid=_without(state, coins, leave))


@of_state
def only_coin(state: GameState) -> Cell:
    """The cell of the level's coin.

    Raises:
        EditError: where there is none, or more than one.
    """
    if len(state.coins) != 1:
        raise EditError(f"the level has {len(state.coins)} coins ({list(state.coins)}); exactly one was expected")
    return state.coins[0]


@of_state
def add_decoy(state: GameState, cell: Cell) -> GameState:
    """A picture of a coin in this cell, pixel for pixel like a real one; touching it does nothing.

    It is an entity of the coin's type, drawn first, so that whatever would cover a real coin covers it as well.

    Raises:
        EditError: where `add_coin` would; but it may be where the agent stands.
    """
    return add_decoys(state, [cell])


@of_state
def add_decoys(state: GameState, cells: Collection[Cell]) -> GameState:
    """`add_decoy` in each of these cells."""
    cells = as_cells(cells, "decoy")
    for at, cell in enumerate(cells):
        _require_room(state, cell, "decoy")
        if cell in cells[:at]:
            raise EditError(f"decoy at {cell}: asked for twice; the cells must differ")
    radius = {"rx": _DECOY_RADIUS, "ry": _DECOY_RADIUS}
    new = [new_entity(EntityType.COIN, x + 0.5, y + 0.5, **radius) for x, y in cells]
    return state.replace(entities=np.concatenate([np.array(new, state.entities.dtype), state.entities]))


@of_state
def remove_decoys(state: GameState) -> GameState:
    """Without any decoy (a level may have none)."""
    return state.replace(entities=state.entities[state.entities["type"] != EntityType.COIN])


@of_state
def coin_to_decoy(state: GameState) -> GameState:
    """The level's one coin turned into a decoy: the same frame, and nothing to gain.

    Raises:
        EditError: where there is not exactly one coin.
    """
    cell = only_coin(state)
    return add_decoy(remove_coin(state), cell)


@of_state
def decoys(state: GameState) -> tuple[Cell, ...]:
    """The cells of the decoys, left to right."""
    return tuple(sorted(geometry.entity_cells(state, EntityType.COIN)))


def _without(state: GameState, cells: Collection[Cell], leave: Tile) -> np.ndarray:
    if not is_one_of(leave, (Tile.EMPTY, Tile.INVISIBLE, Tile.ENEMY_BARRIER)):
        allowed = "Tile.EMPTY, Tile.INVISIBLE or Tile.ENEMY_BARRIER"
        raise EditError(f"leave: {leave!r} cannot take a coin's place; allowed is {allowed}")
    grid = state.grid.copy()
    for x, y in cells:
        grid[y, x] = leave
    return grid


def _require_room(state: GameState, cell: Cell, what: str) -> None:
    tile = require_open(state, cell, what)
    if tile is Tile.COIN or cell in geometry.entity_cells(state, EntityType.COIN):
        raise EditError(f"{what} at {cell}: a coin or decoy is there already; remove it first or choose another cell")
    if tile is Tile.ENEMY_BARRIER:
        raise EditError(f"{what} at {cell}: an enemy barrier is there, and would be lost; choose a cell beside it")
    for kind in (EntityType.SAW, EntityType.CRATE):
        if cell in geometry.entity_cells(state, kind):
            raise EditError(f"{what} at {cell}: a {kind.name.lower()} is there, and would hide it; choose a free cell")
