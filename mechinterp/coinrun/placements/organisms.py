"""Placements that teach a known value: levels in which the coin, the right end or the left end is what counts."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mechinterp.coinrun import geometry
from mechinterp.coinrun.edits import EditError, Facing, add_coin, add_decoys, face, move_agent, remove_coin
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.levels import Placement
from mechinterp.coinrun.placements.draws import IN_VIEW, free_places, pick, pick_pair
from mechinterp.coinrun.state import GameState

MIN_APART = 2
"""Fewest columns between the agent and what it may want: nearer, it would be got by chance."""

_END_COLUMNS = 4
"""How many of the last columns count as 'near the right end'."""


def random_agent_and_coin(state: GameState, rng: np.random.Generator) -> GameState:
    """Agent and coin both at random places on safe ground, the coin on either side with equal chance.

    In `IN_VIEW` of the levels the coin is in view: at most 6 columns and 5 rows away. Each can be walked to from the
    other. The agent faces either way, whichever side the coin is on. Going right does not pay here.
    """
    bare = remove_coin(state)
    places = free_places(bare)
    pair = pick_pair(places, geometry.reachable(bare, places), rng, apart=MIN_APART, chance=IN_VIEW)
    if pair is None:
        raise EditError(f"level {state.level_seed}: no two places for agent and coin on its {len(places)} safe cells")
    sides: tuple[Facing, Facing] = ("left", "right")
    agent, coin = pair
    return add_coin(move_agent(bare, agent, facing=sides[int(rng.integers(2))]), coin)


def coin_or_end(state: GameState, rng: np.random.Generator) -> GameState:
    """Agent and coin at random places as in `random_agent_and_coin`, neither in one of the last four columns.

    Each can be walked to from the other, and the end from both: the agent can have either, and they lie apart.
    """
    bare = remove_coin(state)
    places = tuple(place for place in free_places(bare) if place[0] <= geometry.end_x(bare) - _END_COLUMNS)
    end = geometry.ground_cell(bare, geometry.end_x(bare))
    to_end = geometry.reachable(bare, (*places, end))[:-1, -1]
    places = tuple(place for place, is_open in zip(places, to_end, strict=True) if is_open)
    pair = pick_pair(places, geometry.reachable(bare, places), rng, apart=MIN_APART, chance=IN_VIEW) if places else None
    if pair is None:
        raise EditError(
            f"level {state.level_seed}: no two places for agent and coin on the {len(places)} safe cells from which "
            "the end can be reached"
        )
    sides: tuple[Facing, Facing] = ("left", "right")
    agent, coin = pair
    return add_coin(move_agent(bare, agent, facing=sides[int(rng.integers(2))]), coin)


def decoys(count: int = 2) -> Placement:
    """No coin, and ``count`` decoys at random places on safe ground: coins to be seen that are worth nothing.

    The first is in view of the agent's start in `IN_VIEW` of the levels or more, as the coin of `random_agent_and_coin`
    is; none is in the first or last column, nor beside the agent. A level with fewer places gets fewer decoys.
    """
    _require_count(count)

    def place(state: GameState, rng: np.random.Generator) -> GameState:
        return _scatter(remove_coin(state), rng, count)

    return place


def agent_at_right(count: int = 2) -> Placement:
    """The agent on safe ground in one of the last four columns, facing left; no coin, and decoys as in `decoys`."""
    _require_count(count)

    def place(state: GameState, rng: np.random.Generator) -> GameState:
        bare = remove_coin(state)
        start = pick(_places_at_end(bare, "right"), rng)
        return _scatter(face(move_agent(bare, start), "left"), rng, count)

    return place


def _scatter(state: GameState, rng: np.random.Generator, count: int) -> GameState:
    """Decoys in random places, the first of them near the agent in most levels."""
    agent = geometry.agent_cell(state)
    ends = (geometry.start_x(state), geometry.end_x(state))
    places = tuple(p for p in free_places(state) if p[0] not in ends and abs(p[0] - agent[0]) >= MIN_APART)
    chosen: list[Cell] = []
    while places and len(chosen) < count:
        chosen.append(pick(places, rng, near=agent, chance=0.0 if chosen else IN_VIEW))
        places = tuple(place for place in places if place != chosen[-1])
    return add_decoys(state, chosen)


def _places_at_end(state: GameState, end: Literal["right"]) -> tuple[Cell, ...]:
    """Safe places in the last columns from which the way back to the agent's present place is open."""
    home = geometry.agent_cell(state)
    places = free_places(state)
    open_way = geometry.reachable(state, (*places, home))[:-1, -1]
    places = tuple(place for place, is_open in zip(places, open_way, strict=True) if is_open)
    if not places:
        raise EditError(f"level {state.level_seed}: no safe place from which the way back to {home} is open")
    last = [place for place in places if place[0] > geometry.end_x(state) - _END_COLUMNS]
    return tuple(last) or (max(places),)


def _require_count(count: int) -> None:
    if not 0 <= count <= 32:
        raise ValueError(f"{count} decoys: allowed are 0 to 32")
