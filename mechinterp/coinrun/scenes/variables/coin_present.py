"""A coin on one side of the agent, or overhead, against none."""

from __future__ import annotations

from typing import Literal

from mechinterp.coinrun.scenes.pairs import SceneError
from mechinterp.coinrun.scenes.variables.variable import Variable, distances, presence

ABOVE = 3
"""Cells over the agent's feet."""
_ORDER = {"right": 2, "left": 3, "above": 4}


def coin_at(side: Literal["right", "left", "above"], k: int | None = None) -> Variable:
    """A coin ``k`` cells from the agent's feet on one side, or overhead, against none.

    Overhead, it may be a column to either side where there is no room right above.

    Args:
        side: where the coin is.
        k: 2 to 5 cells; None draws one of them for each state, and is 3 overhead.

    Raises:
        SceneError: for another side or distance.
    """
    if side == "above":
        (height,) = distances(ABOVE if k is None else k)
        offsets = ((0, height), (1, height), (-1, height))
    elif side in ("right", "left"):
        offsets = tuple((distance if side == "right" else -distance, 0) for distance in distances(k))
    else:
        raise SceneError(f"side: {side!r}, allowed are 'right', 'left' and 'above'")
    name, clean = {
        "right": ("coin on the right", "a coin on the right"),
        "left": ("coin on the left", "a coin on the left"),
        "above": ("coin above", "a coin overhead"),
    }[side]
    name = name if k is None else f"{name}, {k} cells away"
    return Variable(name, clean, "no coin", "coin", presence(offsets), order=_ORDER[side])


VARIABLE = (coin_at("right"), coin_at("left"), coin_at("above"))
