"""The coin's side with and without a hazard on the right: a 2 x 2 of pairs, for gates such as "coin right AND hazard".

Both variables are made from the same four scenes (coin right or left, saw on the right or none), and a state has room
for both or for neither. So their pairs correspond row by row, and the interaction is the difference of two effects:

    (right - left, with a saw) - (right - left, without)
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.scenes.natural import FAR, NEAR, NoRoom, free_ways
from mechinterp.coinrun.scenes.variables.variable import Edit, Variable, try_coin, without_coins
from mechinterp.coinrun.state import GameState

Arm = Literal["saw", "none"]
Corners = dict[tuple[str, Arm], GameState]


def corners(state: GameState, rng: np.random.Generator) -> Corners:
    """The four scenes, by the coin's side and what is on the right: a saw one column beyond the coin's, or nothing.

    Beyond, so that the way to the coin is free in all four; both coins lie on level ground, as in "coin side".

    Raises:
        NoRoom: no level ground as far on both sides, or none for the saw.
    """
    bare = without_coins(state)
    height, free = free_ways(bare, [*range(NEAR, FAR + 2), *range(-FAR, -NEAR + 1)])
    fitting = [k for k in range(NEAR, FAR + 1) if k in free and -k in free and k + 1 in free]
    if not fitting:
        raise NoRoom("no level, safe ground for both coins and a saw behind the right one")
    x, distance = geometry.agent_cell(bare)[0], int(rng.choice(fitting))
    made: Corners = {}
    try:
        arms: dict[Arm, GameState] = {"saw": edits.add_saw(bare, (x + distance + 1, height)), "none": bare}
    except edits.EditError:
        raise NoRoom("no free cell for the saw") from None
    for arm, scene in arms.items():
        for side, column in (("right", x + distance), ("left", x - distance)):
            with_coin = try_coin(scene, (column, height))
            if with_coin is None:
                raise NoRoom("no free cell for the coin")
            made[side, arm] = with_coin
    return made


def _side(arm: Arm) -> Edit:
    def edit(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState]:
        four = corners(state, rng)
        return four["right", arm], four["left", arm]

    return edit


VARIABLE = (
    Variable("coin side, saw on the right", "coin right", "coin left", "coin", _side("saw"), order=6),
    Variable("coin side, no saw there", "coin right", "coin left", "coin", _side("none"), order=7),
)
