"""A real coin, against its picture in the same place: the same pixels."""

from __future__ import annotations

import numpy as np

from mechinterp.coinrun import edits
from mechinterp.coinrun.scenes.variables.variable import FAR, NEAR, Variable, presence
from mechinterp.coinrun.state import GameState

_BESIDE = tuple((sign * distance, 0) for sign in (1, -1) for distance in range(NEAR, FAR + 1))


def _edit(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState] | None:
    """A real coin against its picture in the same place: the same pixels, so any effect would be an error."""
    pair = presence(_BESIDE)(state, rng)
    return None if pair is None else (pair[0], edits.coin_to_decoy(pair[0]))


VARIABLE = Variable("real coin or picture", "a real coin", "its picture", "control", _edit, order=8)
