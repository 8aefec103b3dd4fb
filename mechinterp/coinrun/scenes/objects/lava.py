"""Lava in the ground under the coin's place."""

from mechinterp.coinrun import edits
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.scenes.objects.object import Object
from mechinterp.coinrun.state import GameState


def _put(state: GameState, cell: Cell) -> GameState:
    return edits.add_lava(state, [(cell[0], cell[1] - 1)])


OBJECT = Object("lava", "elsewhere", put=_put, order=40)
