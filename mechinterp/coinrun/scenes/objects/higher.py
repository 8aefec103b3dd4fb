"""The coin itself in another place: in the air over its own."""

from mechinterp.coinrun import edits
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.scenes.objects.object import Object
from mechinterp.coinrun.state import GameState

HIGHER = 3
"""Cells above the coin's own place."""


def _put(state: GameState, cell: Cell) -> GameState:
    return edits.add_coin(state, (cell[0], cell[1] + HIGHER))


OBJECT = Object("coin in the air", "place", put=_put, order=30)
