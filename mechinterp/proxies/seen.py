"""Where things are in the frame, as numbers: what a rule can react to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from mechinterp.coinrun import geometry
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.state import GameState

_OUT_OF_VIEW = 9.0
_REACH = 6
_LOOK = 4


def things_seen(states: Sequence[GameState]) -> Float64[np.ndarray, "states things"]:
    """Columns and rows from the agent's feet to the nearest coin and hazard in view, columns to the nearest rock on
    either side at the height of its feet, whether it stands, its speed upwards, and the way it faces.

    What is not in view is `9` columns and rows away.
    """
    return np.array([_row(state) for state in states])


def _row(state: GameState) -> list[float]:
    x, y = geometry.agent_cell(state)
    rock = geometry.solid(state)
    walls = []
    for step in (1, -1):
        ahead = [k for k in range(1, _LOOK + 1) if not 0 <= x + step * k < rock.shape[1] or rock[y, x + step * k]]
        walls.append(float(ahead[0]) if ahead else float(_LOOK + 1))
    hazards = [hazard.cell for hazard in geometry.hazards(state)]
    agent = state.entities[state.agent_index]
    return [
        *_nearest(state.coins, (x, y)),
        *_nearest(hazards, (x, y)),
        *walls,
        float(geometry.on_ground(state)),
        float(agent["vy"]),
        float(state["facing_right"]),
    ]


def _nearest(cells: Sequence[Cell], feet: Cell) -> tuple[float, float]:
    near = [(cx - feet[0], cy - feet[1]) for cx, cy in cells]
    near = [(dx, dy) for dx, dy in near if max(abs(dx), abs(dy)) <= _REACH]
    if not near:
        return _OUT_OF_VIEW, _OUT_OF_VIEW
    dx, dy = min(near, key=lambda cell: (abs(cell[0]) + abs(cell[1]), cell))
    return float(dx), float(dy)
