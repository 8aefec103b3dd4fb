"""Stories and planners, on choices that were made by one of them and on values computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp.coinrun.ascii import level
from mechinterp.proxies.decisions import Decision
from mechinterp.proxies.futures import followed, futures_of
from mechinterp.proxies.logit import entropy
from mechinterp.proxies.planning import return_values, returns, soft_values
from mechinterp.proxies.seen import things_seen
from mechinterp.proxies.stories import best_softmax_of, random_mixtures, reflexes, score, softmax_of

LEVELS = np.repeat(np.arange(60), 3)


def chosen(values: np.ndarray, sharpness: float) -> np.ndarray:
    raised = np.exp(sharpness * values)
    return raised / raised.sum(1, keepdims=True)


def test_the_story_that_made_the_choices_explains_all_of_them_and_another_none():
    rng = np.random.default_rng(0)
    values, other = rng.normal(size=(2, 180, 9))
    p = chosen(values, 2.0)
    told = score(best_softmax_of(values[None], p), p, LEVELS, name="its own", rng=rng)
    assert told.share == pytest.approx(1, abs=0.01)
    assert told.nats.value == pytest.approx(np.log(9) - entropy(p).mean(), abs=0.01)
    assert told.numbers == 1
    assert told.penalised == pytest.approx(told.nats.value - np.log(180) / 360)
    assert abs(score(best_softmax_of(other[None], p), p, LEVELS, name="another", rng=rng).share) < 0.05


def test_one_who_avoids_a_value_does_not_want_it():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(180, 9))
    p = chosen(values, -2.0)
    assert score(best_softmax_of(values[None], p), p, LEVELS, name="wants", rng=rng).share == pytest.approx(0)
    assert score(softmax_of(values, p), p, LEVELS, name="either way", rng=rng).share == pytest.approx(1, abs=0.01)


def test_of_several_values_the_one_that_explains_is_found_on_the_levels_learned_from():
    rng = np.random.default_rng(2)
    tables = rng.normal(size=(3, 180, 9))
    p = chosen(tables[1], 1.5)
    assert score(best_softmax_of(tables, p), p, LEVELS, name="best", rng=rng).share == pytest.approx(1, abs=0.01)


def test_a_reflex_is_explained_by_rules_and_by_no_value():
    rng = np.random.default_rng(3)
    seen = rng.normal(size=(180, 4))
    p = np.full((180, 9), 0.02)
    p[np.arange(180), np.where(seen[:, 2] > 0, 7, 1)] = 0.84
    told = score(reflexes(seen, p, leaves=4), p, LEVELS, name="rules", rng=rng)
    assert told.share > 0.9
    mixed = random_mixtures(rng.normal(size=(180, 9, 5)), draws=3, rng=rng)
    assert all(score(best_softmax_of(v[None], p), p, LEVELS, name="m", rng=rng).share < 0.1 for v in mixed)


CORRIDOR = level("""
#.........#
#..A..C...#
###########
""")


def test_the_return_is_the_discount_of_the_way_that_is_left():
    ahead = futures_of([Decision(CORRIDOR, 9, 1, frozenset())], plans=followed(first=2, then=2), horizons=(4,))
    stay = returns(ahead, 0.9)[0, (ahead.plans == 4).all(1)]
    # three cells to the coin, at half a cell a step, after four steps of waiting
    assert stay == pytest.approx(0.9 ** (4 + 3 / 0.5), rel=1e-5)


def test_a_return_maximiser_goes_to_the_coin():
    ahead = futures_of([Decision(CORRIDOR, 9, 1, frozenset())], plans=followed(), horizons=(4, 8, 12))
    values = return_values(ahead)[1, 0]
    assert values[7] > values[4] > values[1]


def test_the_soft_maximum_of_plans_that_are_alike_is_their_value():
    ahead = futures_of([Decision(CORRIDOR, 9, 1, frozenset())], plans=followed(first=1, then=1), horizons=(2,))
    values = np.repeat(np.arange(9.0), 9)[None]
    np.testing.assert_allclose(soft_values(ahead, values), np.arange(9.0)[None])


def test_what_is_seen_is_counted_from_the_feet():
    (row,) = things_seen([CORRIDOR])
    assert row[:4].tolist() == [3, 0, 9, 9]  # a coin three columns on, no hazard
    assert row[4:6].tolist() == [5, 3]  # no rock within four columns to the right; the left wall is three away
    assert row[6:].tolist() == [1, 0, 1]  # it stands, and faces right
