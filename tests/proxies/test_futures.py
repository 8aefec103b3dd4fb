"""Futures, against the game stepped by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp.coinrun import geometry
from mechinterp.coinrun.ascii import level
from mechinterp.coinrun.engine import Engine, GameOptions
from mechinterp.proxies.catalogue import PROXIES
from mechinterp.proxies.decisions import Decision, decisions
from mechinterp.proxies.futures import Futures, ProxyError, followed, futures_of

EASY = GameOptions(distribution_mode="easy", use_backgrounds=False)


@pytest.fixture(scope="module")
def some() -> tuple[Decision, ...]:
    return decisions(EASY, range(711_000_000, 711_000_006), per_level=2)


@pytest.fixture(scope="module")
def ahead(some) -> Futures:
    return futures_of(some)


def by_hand(decision: Decision, action: int, steps: int) -> tuple[tuple[float, float], str]:
    """Where the agent is after so many steps, and how it ended."""
    engine = Engine(1)
    try:
        engine.load({0: decision.state})
        place = decision.state.agent_xy
        for _ in range(steps):
            engine.step(np.array([action]))
            reward, _, first = engine.observe()
            if first[0]:
                return place, "coin" if reward[0] > 0 else "died"
            place = engine.states()[0].agent_xy
        return place, "alive"
    finally:
        engine.close()


def test_each_future_is_the_games_own(some, ahead):
    kinds = set()
    for at in (0, 3, 5, 8):
        for plan in range(9):
            for column, steps in enumerate(ahead.horizons):
                place, end = by_hand(some[at], plan, steps)
                assert (ahead.took[at, plan, column], ahead.died[at, plan, column]) == (end == "coin", end == "died")
                if end == "alive":
                    np.testing.assert_allclose(ahead.xy[at, plan, column], place, atol=1e-5)
                kinds.add(end)
    assert "coin" in kinds or "died" in kinds, "no episode ended: the levels decide nothing"


def test_half_of_the_moments_are_mirrored_and_know_where_they_end(some):
    assert {decision.mirrored for decision in some} == {True, False}
    for decision in some:
        ends = {geometry.start_x(decision.state), geometry.end_x(decision.state)}
        assert {decision.start, decision.end} == ends
        assert int(decision.state.agent_xy[0]) in decision.visited


def test_gains_on_flat_ground_are_the_way_that_was_gone():
    state = level("""
    #.............#
    #.............#
    #.....A..C....#
    ###############
    """)
    ahead = futures_of([Decision(state, 13, 1, frozenset({6}))], horizons=(4,))
    left, still, right = 1, 4, 7
    moved = ahead.xy[0, :, 0, 0] - state.agent_xy[0]
    assert moved[left] < -0.5
    assert moved[right] > 0.5
    gains = {name: proxy.gain(ahead)[0, :, 0] for name, proxy in PROXIES.items()}
    for name, sign in (("coin", 1), ("right", 1), ("level end", 1), ("start of level", -1)):
        np.testing.assert_allclose(gains[name][[left, still, right]], sign * moved[[left, still, right]], atol=1e-4)
    assert gains["end wall"].any() == (abs(13.5 - state.agent_xy[0]) <= 6)
    assert gains["standing still"][[left, still, right]].tolist() == [0, 1, 0]
    assert gains["unvisited ground"][[left, still, right]].tolist() == [1, 0, 1]


def test_a_coin_that_is_taken_is_worth_its_whole_way_and_one_more():
    state = level("""
    #......#
    #.A.C..#
    ########
    """)
    ahead = futures_of([Decision(state, 6, 1, frozenset())], horizons=(16,))
    assert ahead.took[0, 7, 0]
    assert PROXIES["coin"].gain(ahead)[0, 7, 0] == 3.0


def test_a_saw_ahead_costs_a_life():
    state = level("""
    #......#
    #.A.S..#
    ########
    """)
    ahead = futures_of([Decision(state, 6, 1, frozenset())], horizons=(16,))
    assert PROXIES["hazard avoidance"].gain(ahead)[0, [1, 4, 7], 0].tolist() == [0, 0, -1]


def test_a_plan_of_two_actions_is_both_of_them(some):
    plans = followed((1, 7), first=2, then=3)
    np.testing.assert_array_equal(plans, [[1] * 5, [1, 1, 7, 7, 7], [7, 7, 1, 1, 1], [7] * 5])
    both = futures_of(some[:1], plans=plans, horizons=(5,))
    assert both.first.tolist() == [1, 1, 7, 7]


@pytest.mark.parametrize("wrong", [{"horizons": ()}, {"horizons": (0,)}, {"plans": np.ones((1, 3), int)}])
def test_what_cannot_be_looked_ahead_is_refused(some, wrong):
    with pytest.raises(ProxyError, match="futures: "):
        futures_of(some[:1], **wrong)
    with pytest.raises(ProxyError, match="0 decisions"):
        futures_of([])
