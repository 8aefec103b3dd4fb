"""Measurements: what is computed instead of being played equals what is played."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp.coinrun.engine import GameOptions
from mechinterp.policies import ImpalaConfig, build
from mechinterp.policies.card import Card
from mechinterp.policies.evaluation import Trial, play
from mechinterp.policies.levels import LEVELS
from mechinterp.policies.rollouts import Outcome
from mechinterp.reports.measure.behaviour import BLIND, Stock, relocated
from mechinterp.reports.measure.subject import Plan, Subject

PLAN = Plan(levels=10, states=1, untrained=2, max_steps=60)


@pytest.fixture(scope="module")
def subject() -> Subject:
    policy = build(ImpalaConfig((2, 2), res_blocks=1, stem_kernel=5, stem_stride=4, hidden=8), seed=0)
    return Subject(
        "toy", policy, Card(policy.config), "0", GameOptions(distribution_mode="easy", use_backgrounds=False)
    )


def test_each_actor_plays_stock_levels_once(subject):
    said: list[str] = []
    stock = Stock(subject, PLAN, tick=said.append)
    assert stock[BLIND] is stock[BLIND]
    assert said == [f"playing stock levels: {BLIND}"]


def test_the_stock_row_is_what_playing_under_the_shorter_clock_gives(subject):
    stock = Stock(subject, PLAN, tick=lambda words: None)
    section = relocated(stock, subject, PLAN, tick=lambda words: None)
    trial = Trial("stock", None, PLAN.max_steps)
    actor, _ = stock.actors[BLIND]
    played = play(actor, LEVELS["behaviour"].first(PLAN.levels), trial, options=subject.options, seed=PLAN.seed)
    values = {estimate.name: estimate.value for estimate in section.estimates}
    assert values[f"reference/{BLIND}/stock/coin"] == np.mean(played.outcome == Outcome.COIN)
    assert values[f"reference/{BLIND}/stock/timeout"] == np.mean(played.outcome == Outcome.TIMEOUT)
    assert values[f"reference/{BLIND}/stock/died"] == np.mean(played.died)
    assert 0 < np.mean(played.outcome == Outcome.TIMEOUT) < 1  # or the clock would not have been tried
