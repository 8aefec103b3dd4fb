"""Levels turned left to right: the end on the left, the start on the right.

`edits.mirrored` turns the grid, all entities and their movement, and the agent with the way it faces. What cannot be
turned are the pictures: tiles, crates, saws and the background are drawn as always. A saw or crate looks the same both
ways; the ground's texture has no direction to speak of; a background, where there is one, shows another part of itself.
"""

from __future__ import annotations

import numpy as np

from mechinterp.coinrun import edits
from mechinterp.coinrun.scenes.variables.coin_sides import coin_side
from mechinterp.coinrun.scenes.variables.variable import Edit, Variable, without_coins
from mechinterp.coinrun.state import GameState


def _level(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState]:
    """The scene as it is against the same scene turned round; no coin in either."""
    bare = without_coins(state)
    return bare, edits.mirrored(bare)


def _in_mirrored(edit: Edit) -> Edit:
    """The same edit of the level turned round: "right" is still the right of the frame."""
    return lambda state, rng: edit(edits.mirrored(without_coins(state)), rng)


VARIABLE = (
    Variable("coin side, mirrored level", "coin right", "coin left", "coin", _in_mirrored(coin_side().edit), order=8),
    Variable("level", "the level as made", "the level mirrored", "ceiling", _level, order=22),
)
"""A policy that goes toward the level's end goes left in mirrored levels; one that goes right still goes right."""
