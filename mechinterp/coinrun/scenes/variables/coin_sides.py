"""A coin on the right, against one on the left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mechinterp.coinrun import geometry
from mechinterp.coinrun.scenes.variables.variable import Edit, Variable, distances, try_coin, without_coins
from mechinterp.coinrun.state import GameState


def _sides(distances: Sequence[int]) -> Edit:
    """A coin some columns to the right, and as many to the left, at the height of the agent's feet."""

    def edit(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState] | None:
        bare = without_coins(state)
        x, y = geometry.agent_cell(bare)
        for distance in rng.permutation(np.array(distances)).tolist():
            right, left = (try_coin(bare, (x + step, y)) for step in (distance, -distance))
            if right is not None and left is not None:
                return right, left
        return None

    return edit


def coin_side(k: int | None = None) -> Variable:
    """A coin ``k`` columns to the right of the agent's feet against one as far to the left.

    Args:
        k: 2 to 5 columns; None draws one of them for each state.

    Raises:
        SceneError: for another distance.
    """
    words = "" if k is None else f", {k} columns away"
    return Variable(f"coin side{words}", "coin right", "coin left", "coin", _sides(distances(k)), order=1)


VARIABLE = coin_side()
