"""Edits of what kills: saws, enemies (with their trails) and lava; and of crates, which do not."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import numpy as np
from jaxtyping import Bool

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
    retile,
    support_cells,
    tile_at,
)
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.layout import EntityType, Tile
from mechinterp.coinrun.state import GameState

ENEMY_SPEED = 0.15
"""How far an enemy walks in one step, in cells."""

_TRAIL_REACH = 1.6
"""A trail lives for 8 steps: its enemy has gone 1.2 cells by then, or less."""


@of_state
def remove_saws(state: GameState, cells: Collection[Cell] | None = None) -> GameState:
    """Without any saw, or without those of these cells.

    Raises:
        EditError: for a cell that has none.
    """
    return state.replace(entities=state.entities[~_chosen(state, EntityType.SAW, cells)])


@of_state
def remove_crates(state: GameState, cells: Collection[Cell] | None = None) -> GameState:
    """Without any crate, or without those of these cells.

    Raises:
        EditError: for a cell that has none.
    """
    return state.replace(entities=state.entities[~_chosen(state, EntityType.CRATE, cells)])


@of_state
def remove_enemies(state: GameState, cells: Collection[Cell] | None = None) -> GameState:
    """Without any enemy and its trail, or without those whose centres are in these cells.

    Raises:
        EditError: for a cell that has none.
    """
    entities = state.entities
    leaving = _chosen(state, EntityType.ENEMY, cells)
    enemies = np.flatnonzero(entities["type"] == EntityType.ENEMY)
    for trail in np.flatnonzero(entities["type"] == EntityType.TRAIL).tolist():
        if entities["image_type"][trail] != EntityType.TRAIL:
            continue  # not a trail but the harmless picture of something
        behind = np.abs(entities["x"][enemies] - entities["x"][trail])
        behind[np.abs(entities["y"][enemies] - entities["y"][trail]) > 0.5] = np.inf
        owner = enemies[behind.argmin()] if len(enemies) and behind.min() < _TRAIL_REACH else None
        leaving[trail] = cells is None or (owner is not None and leaving[owner])
    return state.replace(entities=entities[~leaving])


@of_state
def remove_lava(state: GameState, *, leave: Literal["pit", "ground"] = "pit") -> GameState:
    """Without any lava: an empty pit where it was, or solid ground up to its surface.

    Raises:
        EditError: for another word in ``leave``.
    """
    tiles = {"pit": Tile.EMPTY, "ground": Tile.WALL_MID}
    if not is_one_of(leave, tiles):
        raise EditError(f"leave: {leave!r}, allowed are {sorted(tiles)}")
    return state.replace(grid=retile(np.where(geometry.lava(state), tiles[leave], state.grid)))


@of_state
def harmless_lava(state: GameState) -> GameState:
    """All lava turned into its picture: the same frame, but one falls through it to the ground below, and lives."""
    return state.replace(grid=np.where(geometry.lava(state), -state.grid, state.grid))


@of_state
def harmless_saws(state: GameState) -> GameState:
    """All saws turned into pictures that stand still: the same frame now (a real one goes on turning), and no harm."""
    entities = state.entities.copy()
    entities["type"][entities["type"] == EntityType.SAW] = EntityType.TRAIL
    return state.replace(entities=entities)


@of_state
def add_saw(state: GameState, cell: Cell) -> GameState:
    """A saw on the ground of this cell.

    Raises:
        EditError: off the ground, in rock or lava, in the coin or another saw or crate, or where the agent is.
    """
    cell = as_cell(cell, "saw")
    _require_ground(state, cell, "saw")
    _require_unoccupied(state, cell, "saw", (EntityType.SAW, EntityType.CRATE))
    return _with(state, new_entity(EntityType.SAW, cell[0] + 0.5, cell[1] + 0.5))


@of_state
def add_saw_picture(state: GameState, cell: Cell) -> GameState:
    """A saw that stands still and harms nobody, on the ground of this cell.

    Raises:
        EditError: where `add_saw` would.
    """
    cell = as_cell(cell, "picture of a saw")
    _require_ground(state, cell, "picture of a saw")
    _require_unoccupied(state, cell, "picture of a saw", (EntityType.SAW, EntityType.CRATE))
    looks = {"image_type": EntityType.SAW}
    return _with(state, new_entity(EntityType.TRAIL, cell[0] + 0.5, cell[1] + 0.5, **looks))


@of_state
def add_enemy(state: GameState, cell: Cell, *, walking: Literal["left", "right"] = "left", theme: int = 0) -> GameState:
    """An enemy on the ground of this cell. It walks to and fro between rock and enemy barriers; themes are 0 to 8.

    Raises:
        EditError: off the ground, in rock or lava, in another enemy or a saw, where the agent is, or for another
            direction.
    """
    if not is_one_of(walking, ("left", "right")):
        raise EditError(f"walking: {walking!r}, allowed are 'left' and 'right'")
    cell = as_cell(cell, "enemy")
    _require_ground(state, cell, "enemy")
    _require_unoccupied(state, cell, "enemy", (EntityType.ENEMY, EntityType.SAW), coins=False)
    # The picture of a walking enemy, which is not that of its type.
    looks = {"image_type": EntityType.ENEMY + 1, "image_theme": theme, "render_z": 1, "smart_step": 1}
    speed = ENEMY_SPEED if walking == "right" else -ENEMY_SPEED
    return _with(state, new_entity(EntityType.ENEMY, cell[0] + 0.5, cell[1] + 0.5, vx=speed, **looks))


@of_state
def add_crate(state: GameState, cell: Cell, *, theme: int = 0) -> GameState:
    """A crate on the ground or on another crate. One can stand on it and walk through it; themes are 0 to 3.

    Raises:
        EditError: in the air, in rock or lava, or in the coin or another crate or saw.
    """
    cell = as_cell(cell, "crate")
    below = (cell[0], cell[1] - 1)
    if below not in geometry.entity_cells(state, EntityType.CRATE):
        _require_ground(state, cell, "crate")
    require_open(state, cell, "crate")
    _require_unoccupied(state, cell, "crate", (EntityType.SAW, EntityType.CRATE), agent=False)
    return _with(state, new_entity(EntityType.CRATE, cell[0] + 0.5, cell[1] + 0.5, image_theme=theme))


@of_state
def add_lava(state: GameState, cells: Collection[Cell]) -> GameState:
    """Lava in these cells, whether rock or air was there; surfaces are drawn as the game draws them.

    Raises:
        EditError: outside the level's open columns, in the coin, a saw, an enemy or a crate, where the agent is
            or what it stands on, or with air right under it.
    """
    cells = as_cells(cells, "lava")
    grid = state.grid.copy()
    first, last = geometry.start_x(state), geometry.end_x(state)
    for cell in sorted(cells):
        x, y = cell
        tile = tile_at(state, cell, "lava")
        if not first <= x <= last:
            raise EditError(f"lava at {cell}: outside the level, whose columns are {first} to {last}")
        if tile is Tile.COIN or cell in geometry.entity_cells(state, EntityType.COIN):
            raise EditError(f"lava at {cell}: a coin or decoy is there; move or remove it first")
        if cell in body_cells(state):
            raise EditError(f"lava at {cell}: the agent is there; move it first")
        if cell in support_cells(state):
            raise EditError(f"lava at {cell}: the agent stands on that cell; move it first")
        for kind in (EntityType.SAW, EntityType.ENEMY, EntityType.CRATE):
            if cell in geometry.entity_cells(state, kind):
                raise EditError(f"lava at {cell}: {_named(kind)} is there; remove it first or choose another cell")
        grid[y, x] = Tile.LAVA_MID
    held = np.isin(grid, (Tile.WALL_MID, Tile.WALL_TOP, Tile.LAVA_MID, Tile.LAVA_TOP))
    for x, y in sorted(cells):
        if y > 0 and not held[y - 1, x]:
            raise EditError(f"lava at {(x, y)}: there is air under it; lava lies on rock or on lava")
    return state.replace(grid=retile(grid))


def _chosen(state: GameState, kind: EntityType, cells: Collection[Cell] | None) -> Bool[np.ndarray, " entities"]:
    of_kind = state.entities["type"] == kind
    if cells is None:
        return of_kind
    result = np.zeros_like(of_kind)
    for x, y in as_cells(cells, "remove"):
        here = of_kind & (np.floor(state.entities["x"]) == x) & (np.floor(state.entities["y"]) == y)
        if not here.any():
            known = sorted(geometry.entity_cells(state, kind))
            raise EditError(f"remove at {(x, y)}: no {kind.name.lower()} there; they are at {known or 'no cell'}")
        result |= here
    return result


def _require_ground(state: GameState, cell: Cell, what: str) -> None:
    require_open(state, cell, what)
    x, y = cell
    if y == 0 or not geometry.solid(state)[y - 1, x]:
        raise EditError(f"{what} at {cell}: there is no ground under it; choose a cell right above rock")


def _require_unoccupied(
    state: GameState, cell: Cell, what: str, kinds: tuple[EntityType, ...], *, coins: bool = True, agent: bool = True
) -> None:
    for kind in kinds:
        if cell in geometry.entity_cells(state, kind):
            raise EditError(f"{what} at {cell}: {_named(kind)} is there already; choose a free cell")
    if coins and (cell in state.coins or cell in geometry.entity_cells(state, EntityType.COIN)):
        raise EditError(f"{what} at {cell}: it would hide the coin or decoy there; choose a free cell")
    if agent and cell in body_cells(state):
        raise EditError(f"{what} at {cell}: the agent is there; move it first or choose another cell")


def _named(kind: EntityType) -> str:
    return {EntityType.SAW: "a saw", EntityType.ENEMY: "an enemy", EntityType.CRATE: "a crate"}[kind]


def _with(state: GameState, entity: np.ndarray) -> GameState:
    return state.replace(entities=np.append(state.entities, entity))
