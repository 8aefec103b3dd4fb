"""The variables that a minimal pair can differ in, each a rule that edits one state twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.layout import EntityType, Tile
from mechinterp.coinrun.state import GameState

Edit = Callable[[GameState, np.random.Generator], "tuple[GameState, GameState] | None"]

NEAR, FAR = 2, 5
"""Columns between agent and coin in a pair: nearer it would be taken by chance, farther it could be out of view."""
ABOVE = 3
IN_VIEW_X, IN_VIEW_Y = 6, 5


@dataclass(frozen=True)
class Variable:
    """One thing to change.

    Attributes:
        name: in words.
        clean, corrupted: what it is on each side.
        role: "coin" (an effect of the coin itself), "ceiling" (a change of the world known to matter, for scale) or
            "control" (one that should not matter).
        edit: makes both sides from a state, or None where the state has no room for it.
    """

    name: str
    clean: str
    corrupted: str
    role: str
    edit: Edit


def _feet(state: GameState) -> Cell:
    """The cell that the agent's feet are in."""
    x, y = state.agent_xy
    return int(x), int(y - float(state.entities["ry"][state.agent_index]) + 0.01)


def _without_coins(state: GameState) -> GameState:
    bare = edits.remove_decoys(state)
    return edits.remove_coin(bare) if bare.coins else bare


def _try_coin(state: GameState, cell: Cell) -> GameState | None:
    """The state with a coin in this cell, or None where none can be or it would hang inside the scenery."""
    try:
        return edits.add_coin(state, cell)
    except edits.EditError:
        return None


def _sides(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState] | None:
    """A coin some columns to the right, and as many to the left, at the height of the agent's feet."""
    bare = _without_coins(state)
    x, y = _feet(bare)
    for distance in rng.permutation(np.arange(NEAR, FAR + 1)).tolist():
        right, left = (_try_coin(bare, (x + step, y)) for step in (distance, -distance))
        if right is not None and left is not None:
            return right, left
    return None


def _presence(offsets: tuple[Cell, ...]) -> Edit:
    """A coin at one of these offsets from the agent's feet, against none."""

    def edit(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState] | None:
        bare = _without_coins(state)
        x, y = _feet(bare)
        for at in rng.permutation(len(offsets)).tolist():
            dx, dy = offsets[at]
            with_coin = _try_coin(bare, (x + dx, y + dy))
            if with_coin is not None:
                return with_coin, bare
        return None

    return edit


_RIGHT = tuple((dx, 0) for dx in range(NEAR, FAR + 1))
_LEFT = tuple((-dx, 0) for dx in range(NEAR, FAR + 1))
_OVERHEAD = ((0, ABOVE), (1, ABOVE), (-1, ABOVE))


def _decoy(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState] | None:
    """A real coin against its picture in the same place: the same pixels, so any effect would be an error."""
    pair = _presence((*_RIGHT, *_LEFT))(state, rng)
    return None if pair is None else (pair[0], edits.coin_to_decoy(pair[0]))


def _shift(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState] | None:
    """The agent a cell farther right, against where it is; no coin in either."""
    bare = _without_coins(state)
    x, y = _feet(bare)
    try:
        here, there = edits.move_agent(bare, (x, y)), edits.move_agent(bare, (x + 1, y))
    except edits.EditError:
        return None
    return there, here


def _hazard(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState] | None:
    """The saws, enemies and lava just ahead of the agent, against none of them; no coin in either."""
    bare = _without_coins(state)
    x, y = _feet(bare)
    ahead = [h for h in geometry.hazards(bare) if 0 < h.cell[0] - x <= FAR and abs(h.cell[1] - y) <= 1]
    if not ahead:
        return None
    grid = bare.grid.copy()
    for hazard in ahead:
        if hazard.kind == "lava":
            grid[hazard.cell[1], hazard.cell[0]] = Tile.WALL_TOP if hazard.cell[1] < y else Tile.EMPTY
    entities = bare.entities
    near = (entities["x"] > x) & (entities["x"] < x + FAR + 1) & (np.abs(entities["y"] - y - 0.5) < 1.5)
    hazardous = np.isin(entities["type"], (EntityType.SAW, EntityType.ENEMY, EntityType.TRAIL))
    return bare, bare.replace(grid=grid, entities=entities[~(near & hazardous)])


VARIABLES: dict[str, Variable] = {
    variable.name: variable
    for variable in (
        Variable("coin side", "coin right", "coin left", "coin", _sides),
        Variable("coin on the right", "a coin on the right", "no coin", "coin", _presence(_RIGHT)),
        Variable("coin on the left", "a coin on the left", "no coin", "coin", _presence(_LEFT)),
        Variable("coin above", "a coin overhead", "no coin", "coin", _presence(_OVERHEAD)),
        Variable("hazard ahead", "a hazard ahead", "none", "ceiling", _hazard),
        Variable("agent one cell on", "one cell farther right", "where it was", "ceiling", _shift),
        Variable("real coin or picture", "a real coin", "its picture", "control", _decoy),
    )
}
"""What a pair can differ in, by name."""
