"""Edits of the agent: where it is, and which way it faces."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mechinterp.coinrun import geometry
from mechinterp.coinrun.edits._shared import EditError, as_cell, body_cells, finite, is_one_of, of_state, require_open
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.layout import EntityType
from mechinterp.coinrun.state import GameState

Facing = Literal["left", "right"]

_MARGIN = 0.98
"""The share of its radius at which the game looks for rock around the agent."""


@of_state
def move_agent(state: GameState, cell: Cell, *, facing: Facing | None = None) -> GameState:
    """The agent standing still on the ground of this cell, facing as before or as said.

    Raises:
        EditError: outside the level, in rock or lava, in the air, under a roof too low, in a coin, or in a saw.
    """
    x, y = cell = as_cell(cell, "agent")
    require_open(state, cell, "agent")
    if not geometry.standing(state)[y, x]:
        raise EditError(f"agent at {cell}: no ground under it or no room above it; {_nearest_ground(state, x)}")
    if cell in geometry.entity_cells(state, EntityType.SAW):
        raise EditError(f"agent at {cell}: a saw is there; {_nearest_ground(state, x)}")
    radius = float(state.entities["ry"][state.agent_index])
    moved = put_agent(state, x + 0.5, y + radius, facing=facing)
    for coin in body_cells(moved) & set(state.coins):
        raise EditError(f"agent at {cell}: it would take the coin at {coin} at once; move or remove that first")
    return moved


@of_state
def put_agent(
    state: GameState, x: float, y: float, *, vx: float = 0.0, vy: float = 0.0, facing: Facing | None = None
) -> GameState:
    """The agent's centre exactly at (x, y), in cells, in the air too, moving by (vx, vy) cells a step.

    Raises:
        EditError: where its body would be in rock or lava, or outside the grid, or for a number that is not finite.
    """
    x, y, vx, vy = (finite(value, f"agent's {name}") for name, value in (("x", x), ("y", y), ("vx", vx), ("vy", vy)))
    agent = state.entities[state.agent_index]
    for corner_x in (x - _MARGIN * float(agent["rx"]), x + _MARGIN * float(agent["rx"])):
        for corner_y in (y - _MARGIN * float(agent["ry"]), y + _MARGIN * float(agent["ry"])):
            corner = (int(np.floor(corner_x)), int(np.floor(corner_y)))
            require_open(state, corner, f"agent with its centre at ({x:g}, {y:g}), a corner")
    entities = state.entities.copy()
    mine = entities[state.agent_index]
    mine["x"], mine["y"], mine["vx"], mine["vy"] = x, y, vx, vy
    # The clock of crates: an agent counts as coming from above only if it was above in the step before.
    scalars = {"last_agent_y": float(mine["y"]), "is_on_crate": 0}
    if facing is not None:
        scalars["facing_right"] = _facing_right(facing)
        mine["is_reflected"] = not scalars["facing_right"]
    return state.replace(entities=entities, **scalars)


@of_state
def face(state: GameState, facing: Facing) -> GameState:
    """The agent looking left or right."""
    facing_right = _facing_right(facing)
    entities = state.entities.copy()
    entities["is_reflected"][state.agent_index] = not facing_right
    return state.replace(entities=entities, facing_right=facing_right)


def _facing_right(facing: Facing) -> int:
    if not is_one_of(facing, ("left", "right")):
        raise EditError(f"facing: {facing!r}, allowed are 'left' and 'right'")
    return int(facing == "right")


def _nearest_ground(state: GameState, x: int) -> str:
    cells = geometry.standing_cells(state)
    if not cells:
        return "nobody can stand anywhere in this level"
    nearest = min(cells, key=lambda cell: abs(cell[0] - x))
    return f"the nearest cell to stand in is {nearest}"
