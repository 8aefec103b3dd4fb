"""The agent a cell farther right, against where it is."""

from __future__ import annotations

import numpy as np

from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.scenes.variables.variable import Variable, without_coins
from mechinterp.coinrun.state import GameState


def _edit(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState] | None:
    """The agent a cell farther right, against where it is; no coin in either."""
    bare = without_coins(state)
    x, y = geometry.agent_cell(bare)
    try:
        here, there = edits.move_agent(bare, (x, y)), edits.move_agent(bare, (x + 1, y))
    except edits.EditError:
        return None
    return there, here


VARIABLE = Variable("agent one cell on", "one cell farther right", "where it was", "ceiling", _edit, order=19)
