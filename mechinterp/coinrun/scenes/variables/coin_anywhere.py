"""A coin somewhere in view, where the agent could walk, against none."""

from __future__ import annotations

import numpy as np

from mechinterp.coinrun import geometry
from mechinterp.coinrun.placements.draws import free_places, in_view
from mechinterp.coinrun.scenes.natural import NEAR, NoRoom, landing
from mechinterp.coinrun.scenes.variables.variable import Variable, try_coin, without_coins
from mechinterp.coinrun.state import GameState


def _edit(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState]:
    """A coin in a safe cell in view that can be reached from where the agent stands or comes down, against none."""
    bare = without_coins(state)
    ground = landing(bare)
    x, y = geometry.agent_cell(bare)
    places = tuple(place for place in free_places(bare) if in_view((x, y), place) and abs(place[0] - x) >= NEAR)
    if places:
        try:
            reach = geometry.reachable(bare, (ground, *places))[0, 1:]
        except geometry.StateError:
            raise NoRoom("a saw or an enemy where the agent comes down") from None
        places = tuple(place for place, open_way in zip(places, reach, strict=True) if open_way)
    if not places:
        raise NoRoom("no safe place in view that can be reached")
    with_coin = try_coin(bare, places[int(rng.integers(len(places)))])
    if with_coin is None:
        raise NoRoom("no free cell for the coin")
    return with_coin, bare


VARIABLE = Variable("coin presence", "a coin in view", "no coin", "coin", _edit, order=5)
"""On any side and height: what a policy does that reacts to the coin, but not toward it."""
