"""A coin on one side of the agent, or overhead, against none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from mechinterp.coinrun import geometry
from mechinterp.coinrun.scenes.natural import NoRoom, free_ways
from mechinterp.coinrun.scenes.pairs import SceneError
from mechinterp.coinrun.scenes.variables.variable import (
    Edit,
    Place,
    Variable,
    check_place,
    distances,
    presence,
    try_coin,
    without_coins,
)
from mechinterp.coinrun.state import GameState

ABOVE = 3
"""Cells over the agent's feet."""
_ORDER = {"right": 2, "left": 3, "above": 4}


def _on_ground(columns: Sequence[int], side: str) -> Edit:
    """A coin in one of these columns, on level ground that goes all the way to it, against none."""

    def edit(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState]:
        bare = without_coins(state)
        height, free = free_ways(bare, columns)
        if not free:
            raise NoRoom(f"no level, safe ground on the {side}")
        with_coin = try_coin(bare, (geometry.agent_cell(bare)[0] + int(rng.choice(free)), height))
        if with_coin is None:
            raise NoRoom("no free cell for the coin")
        return with_coin, bare

    return edit


def coin_at(side: Literal["right", "left", "above"], k: int | None = None, *, place: Place = "ground") -> Variable:
    """A coin ``k`` cells from the agent's feet on one side, or overhead, against none.

    Overhead, it hangs in the air, and may be a column to either side where there is no room right above.

    Args:
        side: where the coin is.
        k: 2 to 5 cells; None draws one of them for each state, and is 3 overhead.
        place: of a coin at a side: "ground", where the agent can walk to it on the level, or "anywhere", at the height
            of the agent's feet, in the air too; see `coin_side`.

    Raises:
        SceneError: for another side, distance or place.
    """
    check_place(place)
    words = "" if k is None else f", {k} cells away"
    if side == "above":
        (height,) = distances(ABOVE if k is None else k)
        edit = presence(((0, height), (1, height), (-1, height)))
        return Variable(f"coin above{words}", "a coin overhead", "no coin", "coin", edit, order=_ORDER[side])
    if side not in ("right", "left"):
        raise SceneError(f"side: {side!r}, allowed are 'right', 'left' and 'above'")
    columns = [distance if side == "right" else -distance for distance in distances(k)]
    if place == "ground":
        edit = _on_ground(columns, side)
    else:
        edit, words = presence(tuple((column, 0) for column in columns)), f"{words}, anywhere"
    return Variable(f"coin on the {side}{words}", f"a coin on the {side}", "no coin", "coin", edit, order=_ORDER[side])


VARIABLE = (coin_at("right"), coin_at("left"), coin_at("above"))
