"""No end wall in view, against the wall at the level's end a few columns ahead."""

from __future__ import annotations

import numpy as np

from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.scenes.variables.variable import Variable, without_coins
from mechinterp.coinrun.state import GameState

WALL_NEAR, WALL_FAR = 4, 12
"""Columns from the agent to the end wall: in view, and out of it."""


def _edit(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState] | None:
    """No wall in view, against the wall at the level's end a few columns ahead; no coin in either."""
    bare = without_coins(state)
    x = int(bare.agent_xy[0])
    try:
        open_ahead = edits.move_end(bare, x + WALL_FAR) if geometry.end_x(bare) < x + WALL_FAR else bare
        return open_ahead, edits.move_end(bare, x + WALL_NEAR)
    except edits.EditError:
        return None


VARIABLE = Variable("end wall", "no end wall in view", "the end wall ahead", "ceiling", _edit, order=21)
