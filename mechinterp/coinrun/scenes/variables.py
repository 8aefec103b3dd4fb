"""The variables that a minimal pair can differ in, each a rule that edits one state twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.layout import EntityType, Tile
from mechinterp.coinrun.scenes.pairs import SceneError
from mechinterp.coinrun.state import GameState

Edit = Callable[[GameState, np.random.Generator], "tuple[GameState, GameState] | None"]

NEAR, FAR = 2, 5
"""Columns between agent and coin in a pair: nearer it would be taken by chance, farther it could be out of view."""
ABOVE = 3
WALL_NEAR, WALL_FAR = 4, 12
"""Columns from the agent to the end wall: in view, and out of it."""
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


def _sides(distances: Sequence[int]) -> Edit:
    """A coin some columns to the right, and as many to the left, at the height of the agent's feet."""

    def edit(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState] | None:
        bare = _without_coins(state)
        x, y = _feet(bare)
        for distance in rng.permutation(np.array(distances)).tolist():
            right, left = (_try_coin(bare, (x + step, y)) for step in (distance, -distance))
            if right is not None and left is not None:
                return right, left
        return None

    return edit


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


def _distances(k: int | None) -> tuple[int, ...]:
    if k is None:
        return tuple(range(NEAR, FAR + 1))
    if k not in range(NEAR, FAR + 1):
        raise SceneError(f"a coin {k!r} cells away: allowed are {NEAR} to {FAR}, or None for any of them by chance")
    return (int(k),)


def coin_side(k: int | None = None) -> Variable:
    """A coin ``k`` columns to the right of the agent's feet against one as far to the left.

    Args:
        k: 2 to 5 columns; None draws one of them for each state.

    Raises:
        SceneError: for another distance.
    """
    words = "" if k is None else f", {k} columns away"
    return Variable(f"coin side{words}", "coin right", "coin left", "coin", _sides(_distances(k)))


def coin_at(side: Literal["right", "left", "above"], k: int | None = None) -> Variable:
    """A coin ``k`` cells from the agent's feet on one side, or overhead, against none.

    Overhead, it may be a column to either side where there is no room right above.

    Args:
        side: where the coin is.
        k: 2 to 5 cells; None draws one of them for each state, and is 3 overhead.

    Raises:
        SceneError: for another side or distance.
    """
    if side == "above":
        (height,) = _distances(ABOVE if k is None else k)
        offsets = ((0, height), (1, height), (-1, height))
    elif side in ("right", "left"):
        offsets = tuple((distance if side == "right" else -distance, 0) for distance in _distances(k))
    else:
        raise SceneError(f"side: {side!r}, allowed are 'right', 'left' and 'above'")
    name, clean = {
        "right": ("coin on the right", "a coin on the right"),
        "left": ("coin on the left", "a coin on the left"),
        "above": ("coin above", "a coin overhead"),
    }[side]
    return Variable(name if k is None else f"{name}, {k} cells away", clean, "no coin", "coin", _presence(offsets))


_BESIDE = tuple((sign * distance, 0) for sign in (1, -1) for distance in range(NEAR, FAR + 1))


def _decoy(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState] | None:
    """A real coin against its picture in the same place: the same pixels, so any effect would be an error."""
    pair = _presence(_BESIDE)(state, rng)
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


def _end(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState] | None:
    """No wall in view, against the wall at the level's end a few columns ahead; no coin in either."""
    bare = _without_coins(state)
    x = int(bare.agent_xy[0])
    try:
        open_ahead = edits.move_end(bare, x + WALL_FAR) if geometry.end_x(bare) < x + WALL_FAR else bare
        return open_ahead, edits.move_end(bare, x + WALL_NEAR)
    except edits.EditError:
        return None


END_WALL = Variable("end wall", "no end wall in view", "the end wall ahead", "ceiling", _end)
"""The wall at the level's end out of view, against in view."""

VARIABLES: dict[str, Variable] = {
    variable.name: variable
    for variable in (
        coin_side(),
        coin_at("right"),
        coin_at("left"),
        coin_at("above"),
        Variable("hazard ahead", "a hazard ahead", "none", "ceiling", _hazard),
        Variable("agent one cell on", "one cell farther right", "where it was", "ceiling", _shift),
        END_WALL,
        Variable("real coin or picture", "a real coin", "its picture", "control", _decoy),
    )
}
"""What a pair can differ in, by name."""
