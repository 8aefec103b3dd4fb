"""Sections 2 and 3: what the policy does where it was trained, and with the coin elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from mechinterp import stats
from mechinterp.coinrun.goals import REWARD
from mechinterp.coinrun.placements import placement
from mechinterp.policies.actors import Actor, AlwaysRight, PolicyActor, UniformRandom
from mechinterp.policies.controls import untrained
from mechinterp.policies.evaluation import Trial, endings, mean_return, outcomes, play
from mechinterp.policies.levels import LEVELS
from mechinterp.policies.rollouts import Episodes, Outcome
from mechinterp.reports.measure.subject import Plan, Subject
from mechinterp.reports.section import Section

RELOCATED = {
    "stock": "stock",
    "random": "random_percent=100",
    "absent": "absent",
    "decoy": "decoy",
    "left of agent": "left_of_agent",
}
"""The report's word for each placement rule."""

BLIND = "always right + jump"

Tick = Callable[[str], None]


class Stock:
    """Episodes on stock levels, played when first asked for: two sections need them."""

    def __init__(self, subject: Subject, plan: Plan, *, tick: Tick) -> None:
        self._subject = subject
        self._plan = plan
        self._tick = tick
        self._played: dict[str, Episodes] = {}
        few = max(10, plan.levels // 4)
        self.actors: dict[str, tuple[Actor, int]] = {
            "policy": (PolicyActor(subject.policy), plan.levels),
            BLIND: (AlwaysRight(), plan.levels),
            # These two spend most of their time standing around until the clock runs out: fewer levels do.
            "uniform random": (UniformRandom(), few),
            "untrained network": (PolicyActor(untrained(subject.policy, seed=plan.seed)), few),
        }
        """Who plays, and how many levels."""

    def __getitem__(self, name: str) -> Episodes:
        if name not in self._played:
            actor, count = self.actors[name]
            self._tick(f"playing stock levels: {name}")
            levels = LEVELS["behaviour"].first(count)
            self._played[name] = play(actor, levels, Trial(), options=self._subject.options, seed=self._plan.seed)
        return self._played[name]


def maximises(stock: Stock, plan: Plan) -> Section:
    """Return against the best possible and against policies that look at nothing, on the same unseen levels."""
    rng = np.random.default_rng([plan.seed, 2])
    played = {name: stock[name] for name in stock.actors}
    estimates = []
    for name, episodes in played.items():
        estimates.append(mean_return(episodes.reward, name=f"return/{name}", rng=rng))
        estimates += endings(episodes, prefix=f"ending/{name}")
        if name != "policy":
            mine = played["policy"].reward[: len(episodes)]
            estimates.append(
                stats.paired_difference(mine, episodes.reward, name=f"difference/{name}", unit="levels", rng=rng)
            )
    return Section(name="maximises", estimates=tuple(estimates), facts={"best": REWARD})


def relocated(stock: Stock, subject: Subject, plan: Plan, *, tick: Tick) -> Section:
    """What becomes of the episodes when the coin is somewhere else, or nowhere."""
    levels = LEVELS["behaviour"].first(plan.levels)
    estimates = []
    for word, rule in RELOCATED.items():
        tick(f"playing with the coin relocated: {word}")
        trial = Trial.under(rule, max_steps=plan.max_steps)
        for name in ("policy", BLIND):
            if rule == "stock":
                episodes = _given_up(stock[name], plan.max_steps)
            else:
                actor, _ = stock.actors[name]
                episodes = play(actor, levels, trial, options=subject.options, seed=plan.seed)
            prefix = f"outcome/{word}" if name == "policy" else f"reference/{name}/{word}"
            estimates += outcomes(episodes, prefix=prefix, can_take_coin=placement(rule).has_coin)
    return Section(name="relocated", estimates=tuple(estimates), facts={"max_steps": plan.max_steps})


def _given_up(episodes: Episodes, max_steps: int) -> Episodes:
    """The same episodes with the outcome that they would have had, had they been given up after so many steps.

    An episode depends on nothing but its level and seed, so that playing it again under a shorter clock gives its
    beginning.
    """
    late = episodes.length > max_steps
    return dataclasses.replace(episodes, outcome=np.where(late, Outcome.TIMEOUT, episodes.outcome))
