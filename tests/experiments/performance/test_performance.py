"""Return and endings: paired by level, and no more said of a difference than its interval allows."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp.experiments.inputs.behaviour import BLIND, POLICY, stock_episodes
from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.experiments.performance import view
from mechinterp.experiments.performance.measure import SIZES, measure
from mechinterp.experiments.performance.result import Endings, Result
from mechinterp.experiments.plan import Plan
from mechinterp.experiments.slice import Context
from mechinterp.policies.rollouts import Outcome
from tests.experiments import synthetic


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1.9, "On the same levels that is 1.9 [1.2, 2.6] more than always right + jump"),
        (-1.9, "[\N{MINUS SIGN}2.6, \N{MINUS SIGN}1.2] less than always right + jump"),
        (0.3, "It is not clearly better or worse than always right + jump (+0.3"),
    ],
)
def test_differences_of_return_in_words(value, words):
    assert words in view.compared({BLIND: synthetic.estimate(value, 0.7)})


def test_clear_and_unclear_differences_are_separate_sentences():
    text = view.compared({BLIND: synthetic.estimate(1.9, 0.7), "untrained network": synthetic.estimate(0.1, 0.7)})
    assert "more than always right + jump. It is not clearly better or worse than the untrained network" in text


@pytest.mark.parametrize(("high", "short"), [(9.0, True), (10.0, False)])
def test_short_of_the_best_possible_only_if_the_interval_is(high, short):
    result = synthetic.the_performance()
    own = synthetic.estimate(high - 0.6, 0.6)
    policy = result.policy.model_copy(update={"mean_return": own})
    caption = view.figures(result.model_copy(update={"policy": policy}))[0].caption
    assert ("short of the best possible" in caption) is short


def endings(*values: float) -> Endings:
    return Endings(**dict(zip(synthetic.ENDINGS, map(synthetic.share, values), strict=True)))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0.5, 0.2, 0.3, 0.0, 0.0, 0.0), "dies of saws in 20 % [14, 26] and enemies in 30 % [24, 36] and runs out"),
        ((0.9, 0.0, 0.0, 0.0, 0.0, 0.1), "never dies and runs out of time in 10 % [6, 14]"),
        ((0.9, 0.0, 0.0, 0.05, 0.05, 0.0), "dies of lava in 5 % [2, 8] and two hazards at once in 5 % [2, 8]"),
    ],
)
def test_endings_in_words(values, words):
    result = synthetic.the_performance()
    policy = result.policy.model_copy(update={"endings": endings(*values)})
    caption = view.figures(result.model_copy(update={"policy": policy}))[1].caption.replace("\N{NO-BREAK SPACE}", " ")
    assert words in caption
    assert caption.startswith("Of 200 levels, it takes the coin in")


def test_every_actor_is_drawn_with_its_paired_difference():
    result = synthetic.the_performance()
    returns, ends = view.figures(result)
    assert [trace.name for trace in returns.plot.data] == ["policy", *result.baselines]
    texts = [note.text for note in returns.plot.layout.annotations]
    assert sum("policy \N{MINUS SIGN} this: +" in text for text in texts) == 3
    assert len(ends.plot.data[0].x) == len(view.ENDINGS) == 6
    stranger = {**result.baselines, "a stranger": result.baselines[BLIND]}
    assert len(view.figures(result.model_copy(update={"baselines": stranger}))[0].plot.data) == 5


def test_the_key_number_is_paired_with_the_blind_rule():
    result = synthetic.the_performance()
    (key,) = view.text(result).keys
    assert key.value == "8.4"
    assert key.context == "[7.8, 9.0] of 10; minus always right + jump: +1.9 [1.2, 2.6]"
    assert "minus" not in view.text(result.model_copy(update={"baselines": {}})).keys[0].context


def test_actors_are_compared_on_the_levels_that_both_played(tiny):
    inputs = Inputs(tiny, Plan(levels=12))
    result = measure(Context(inputs, SIZES.quick, np.random.default_rng(0)))
    stock = inputs(stock_episodes)
    assert isinstance(result, Result)
    assert list(result.baselines) == [name for name in stock.actors if name != POLICY]
    own, blind = stock[POLICY], stock[BLIND]
    assert result.policy.mean_return.value == pytest.approx(own.reward.mean())
    assert result.baselines[BLIND].advantage.value == pytest.approx((own.reward - blind.reward).mean())
    few = result.baselines["uniform random"].advantage
    assert few.n == 10
    assert few.value == pytest.approx((own.reward[:10] - stock["uniform random"].reward).mean())
    assert result.policy.endings.saw.value == np.mean(own.outcome == Outcome.SAW)
