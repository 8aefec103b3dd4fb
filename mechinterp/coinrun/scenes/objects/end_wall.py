"""The wall at the level's end, a few columns to the agent's right, wherever the coin was."""

from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.scenes.objects.object import Object
from mechinterp.coinrun.state import GameState

_WALL_AT = 4
"""Columns from the agent to the wall that was brought near."""
_FAR = 9
"""Columns from which on the wall is out of view."""


def _put(state: GameState, cell: Cell) -> GameState:
    x = geometry.agent_cell(state)[0]
    if geometry.end_x(state) - x < _FAR:
        raise edits.EditError("the wall is in view already")
    return edits.move_end(state, x + _WALL_AT - 1)


OBJECT = Object("end wall", "elsewhere", put=_put, order=41)
