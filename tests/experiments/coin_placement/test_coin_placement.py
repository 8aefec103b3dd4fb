"""Outcomes with the coin elsewhere: what is computed instead of being played, and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from mechinterp.experiments.coin_placement import view
from mechinterp.experiments.coin_placement.measure import RULES, Size, measure
from mechinterp.experiments.coin_placement.result import Outcomes, Placement, Result
from mechinterp.experiments.inputs.behaviour import BLIND, stock_episodes
from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.experiments.plan import Plan
from mechinterp.experiments.slice import Context
from mechinterp.policies.evaluation import Trial, play
from mechinterp.policies.levels import LEVELS
from mechinterp.policies.rollouts import Outcome
from tests.experiments import synthetic
from tests.experiments.synthetic import outcomes

PLAN, MAX_STEPS = Plan(levels=10, states=1), 60


def placed(policy: tuple, blind: tuple = (0.0, 0.5, 0.5, 0.0)) -> Placement:
    return synthetic.placed("left of the start", policy, blind)


def test_each_actor_plays_stock_levels_once(tiny):
    said: list[str] = []
    stock = Inputs(tiny, PLAN, tick=said.append)(stock_episodes)
    assert stock[BLIND] is stock[BLIND]
    assert said == [f"playing stock levels: {BLIND}"]


def test_the_stock_row_is_what_playing_under_the_shorter_clock_gives(tiny):
    inputs = Inputs(tiny, PLAN)
    result = measure(Context(inputs, Size(max_steps=MAX_STEPS), np.random.default_rng(0)))
    assert list(result.placements) == list(RULES)
    actor, _ = inputs(stock_episodes).actors[BLIND]
    trial = Trial("stock", None, MAX_STEPS)
    played = play(actor, LEVELS["behaviour"].first(PLAN.levels), trial, options=tiny.options, seed=PLAN.seed)
    found = result.placements["stock"].blind
    assert found.coin is not None
    assert found.coin.value == np.mean(played.outcome == Outcome.COIN)
    assert found.timeout.value == np.mean(played.outcome == Outcome.TIMEOUT)
    assert found.died.value == np.mean(played.died)
    assert 0 < np.mean(played.outcome == Outcome.TIMEOUT) < 1  # or the clock would not have been tried
    absent, left = result.placements["absent"], result.placements["left_of_agent"]
    assert (absent.policy.coin, absent.over_end, absent.over_blind) == (None, None, None)
    assert left.policy.coin is not None
    assert left.blind.coin is not None
    assert left.over_end is not None
    assert left.over_blind is not None
    assert left.over_end.value == pytest.approx(left.policy.coin.value - left.policy.end.value)
    assert left.over_blind.value == pytest.approx(left.policy.coin.value - left.blind.coin.value)
    assert left.over_blind.low < left.over_blind.value < left.over_blind.high  # ten levels are no certainty
    assert result.placements["left_of_agent"].policy.coin is not None
    assert result.placements["random_percent=100"].label == "at a random place"


def test_outcomes_must_add_up():
    with pytest.raises(ValidationError, match=r"the outcomes add up to 0\.9, not 1"):
        outcomes(0.8, 0.0, 0.1, 0.0)
    shares = outcomes(None, 0.8, 0.1, 0.1).shares()
    assert list(shares) == ["end", "died", "timeout"]
    assert isinstance(outcomes(0.8, 0.0, 0.1, 0.1), Outcomes)


@pytest.mark.parametrize(
    ("coin", "end", "verdict", "headline"),
    [
        (0.7, 0.2, "the coin more often", "it takes the coin more often (70 % [64, 76] of levels) than it runs"),
        (0.2, 0.7, "the end more often", "it runs to the right end more often (70 % [64, 76] of levels) than it takes"),
        (0.45, 0.42, "no clear difference", "it takes the coin in 45 % [38, 52] of levels and runs to the right end"),
    ],
)
def test_coin_and_end_are_compared_on_the_same_levels(coin, end, verdict, headline):
    one = placed((coin, end, 1 - coin - end, 0.0))
    assert f"({verdict})" in view.sentence("left_of_agent", one)
    said = view.headline(one).replace("\N{NO-BREAK SPACE}", " ")
    assert said.startswith(f"With the coin left of the start, {headline}")
    assert ("not clearly apart" in said) is (verdict == "no clear difference")


@pytest.mark.parametrize(
    ("blind", "words"), [(0.9, "clearly more"), (0.1, "clearly less"), (0.52, "not clearly different")]
)
def test_the_blind_rule_is_compared_on_the_same_levels(blind, words):
    one = placed((0.5, 0.2, 0.3, 0.0), (blind, 0.0, 1 - blind, 0.0))
    text = view.sentence("random_percent=100", one)
    assert text.endswith(f": {words}.")
    assert "Always right + jump, which ignores the frame, takes it in" in text


def test_overlapping_intervals_are_no_reason_not_to_differ():
    """On the same levels ten changed, all one way: McNemar's p is 0.002, though the two intervals overlap."""
    shares = placed((0.5, 0.2, 0.3, 0.0), (0.45, 0.0, 0.55, 0.0))
    assert shares.policy.coin.low < shares.blind.coin.high
    paired = shares.model_copy(update={"over_blind": synthetic.estimate(0.05, 0.03, null=synthetic.flips(0.03, 0.002))})
    assert view.sentence("random_percent=100", shares).endswith(": not clearly different.")
    assert view.sentence("random_percent=100", paired).endswith(": clearly less.")


def test_at_the_right_end_coin_and_end_are_one_place():
    text = view.sentence("stock", placed((0.8, 0.0, 0.2, 0.0), (0.6, 0.0, 0.4, 0.0)))
    assert "reaches the right end" not in text


def test_where_there_is_no_coin_only_the_end_counts():
    one = placed((None, 0.8, 0.2, 0.0), (None, 0.6, 0.4, 0.0))
    text = view.sentence("absent", one).replace("\N{NO-BREAK SPACE}", " ")
    assert text == "Coin left of the start: it reaches the right end in 80 % [74, 86] of levels."
    assert view.headline(one) == view.sentence("left_of_agent", one)


def test_the_figure_has_a_bar_for_each_outcome_and_a_line_for_each_placement():
    result = synthetic.the_coin_placement()
    (figure,) = view.figures(result)
    assert len(figure.caption.split("\n")) == 5
    bars = {trace.name: trace for trace in figure.plot.data if trace.type == "bar"}
    assert [len(bar.x) for bar in bars.values()] == [3, 5, 5, 5]  # no coin where there is none to take
    assert bars["took the coin"].x == (0.84, 0.41, 0.03)
    assert figure.plot.layout.xaxis.title.text == "share of levels"
    labels = [note for note in figure.plot.layout.yaxis.ticktext]
    assert labels[-1] == "<b>left of the start</b><br><span style='color:#6E7781'>n = 200</span>"
    assert "always right + jump: took the coin" in [trace.name for trace in figure.plot.data]


def test_key_numbers_and_headline_are_of_coins_elsewhere():
    result = synthetic.the_coin_placement()
    text = view.text(result)
    assert [key.label for key in text.keys] == ["takes the coin at a random place", "takes the coin left of the start"]
    assert "right end: 44" in text.keys[0].context
    assert len(text.headlines) == 1
    few = Result(max_steps=9, placements={"stock": result.placements["stock"]})
    assert (view.text(few).headlines, view.text(few).keys) == ([], [])
