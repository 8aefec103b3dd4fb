"""A coin on the right, against one on the left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mechinterp.coinrun import geometry
from mechinterp.coinrun.scenes.natural import NoRoom, free_ways
from mechinterp.coinrun.scenes.variables.variable import (
    Edit,
    Place,
    Variable,
    check_place,
    distances,
    try_coin,
    without_coins,
)
from mechinterp.coinrun.state import GameState


def on_ground(distances: Sequence[int]) -> Edit:
    """A coin some columns to the right, and as many to the left, on level ground that goes all the way."""
    both = [sign * distance for distance in distances for sign in (1, -1)]

    def edit(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState]:
        bare = without_coins(state)
        height, free = free_ways(bare, both)
        fitting = [distance for distance in distances if distance in free and -distance in free]
        if not fitting:
            sides = {distance > 0 for distance in free}
            raise NoRoom(
                "no level, safe ground on either side"
                if not sides
                else "no level, safe ground as far on the " + ("other side" if len(sides) > 1 else
                "left" if True in sides else "right")
            )  # fmt: skip
        x = geometry.agent_cell(bare)[0]
        distance = int(rng.choice(fitting))
        return _coin(bare, (x + distance, height)), _coin(bare, (x - distance, height))

    return edit


def _coin(bare: GameState, cell: tuple[int, int]) -> GameState:
    with_coin = try_coin(bare, cell)
    if with_coin is None:
        raise NoRoom("no free cell for the coin")
    return with_coin


def _anywhere(distances: Sequence[int]) -> Edit:
    """A coin some columns to the right, and as many to the left, at the height of the agent's feet."""

    def edit(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState]:
        bare = without_coins(state)
        x, y = geometry.agent_cell(bare)
        for distance in rng.permutation(np.array(distances)).tolist():
            right, left = (try_coin(bare, (x + step, y)) for step in (distance, -distance))
            if right is not None and left is not None:
                return right, left
        raise NoRoom("no free cells for the coin on both sides")

    return edit


def coin_side(k: int | None = None, *, place: Place = "ground") -> Variable:
    """A coin ``k`` columns to the right of the agent's feet against one as far to the left.

    Args:
        k: 2 to 5 columns; None draws one of them for each state, of those that it has room for.
        place: "ground": both lie on the ground that the agent stands on or comes down on, which is level and safe from
            one to the other. "anywhere": at the height of the agent's feet, in the air too; there, right and left
            differ in more than the side (ground, hazards, whether the agent can get there), and only a network whose
            answer is known should be asked it.

    Raises:
        SceneError: for another distance or place.
    """
    check_place(place)
    words = "" if k is None else f", {k} columns away"
    words += "" if place == "ground" else ", anywhere"
    edit = (on_ground if place == "ground" else _anywhere)(distances(k))
    return Variable(f"coin side{words}", "coin right", "coin left", "coin", edit, order=1)


VARIABLE = coin_side()
