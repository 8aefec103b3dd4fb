"""Sections 2 and 3: what the policy does where it was trained, and with the coin elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mechinterp import stats
from mechinterp.coinrun.goals import REWARD
from mechinterp.policies.actors import Actor, AlwaysRight, PolicyActor, UniformRandom
from mechinterp.policies.controls import untrained
from mechinterp.policies.evaluation import UNSEEN_LEVELS, Trial, endings, mean_return, outcomes, play, stop_of
from mechinterp.policies.rollout import Episodes
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

Tick = Callable[[str], None]


def maximises(subject: Subject, plan: Plan, *, tick: Tick) -> Section:
    """Return against the best possible and against policies that look at nothing, on the same unseen levels."""
    rng = np.random.default_rng([plan.seed, 2])
    levels = UNSEEN_LEVELS.first(plan.levels)
    actors: dict[str, tuple[Actor, int]] = {
        "policy": (PolicyActor(subject.policy), plan.levels),
        "always right + jump": (AlwaysRight(), plan.levels),
        # These two spend most of their time standing around until the clock runs out: fewer levels do.
        "uniform random": (UniformRandom(), max(10, plan.levels // 4)),
        "untrained network": (PolicyActor(untrained(subject.policy, seed=plan.seed)), max(10, plan.levels // 4)),
    }
    played: dict[str, Episodes] = {}
    for name, (actor, count) in actors.items():
        tick(f"playing stock levels: {name}")
        played[name] = play(actor, levels[:count], Trial(), options=subject.options, seed=plan.seed)
    estimates = []
    for name, episodes in played.items():
        estimates.append(mean_return(episodes, name=f"return/{name}", rng=rng))
        estimates += endings(episodes, prefix=f"ending/{name}")
        if name != "policy":
            mine = played["policy"].reward[: len(episodes)]
            estimates.append(
                stats.paired_difference(mine, episodes.reward, name=f"difference/{name}", unit="levels", rng=rng)
            )
    return Section(name="maximises", estimates=tuple(estimates), facts={"best": REWARD})


def relocated(subject: Subject, plan: Plan, *, tick: Tick) -> Section:
    """What becomes of the episodes when the coin is somewhere else, or nowhere."""
    levels = UNSEEN_LEVELS.first(plan.levels)
    actors: dict[str, Actor] = {"policy": PolicyActor(subject.policy), "always right + jump": AlwaysRight()}
    estimates = []
    for word, rule in RELOCATED.items():
        tick(f"playing with the coin relocated: {word}")
        trial = Trial(rule, stop_of(rule), plan.max_steps)
        for name, actor in actors.items():
            episodes = play(actor, levels, trial, options=subject.options, seed=plan.seed)
            prefix = f"outcome/{word}" if name == "policy" else f"reference/{name}/{word}"
            can_take = word not in ("absent", "decoy")
            estimates += outcomes(episodes, prefix=prefix, can_take_coin=can_take)
    return Section(name="relocated", estimates=tuple(estimates), facts={"max_steps": plan.max_steps})
