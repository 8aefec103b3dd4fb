"""Measure return and endings on held-out stock levels."""

from __future__ import annotations

from dataclasses import dataclass

from mechinterp import stats
from mechinterp.coinrun.goals import REWARD
from mechinterp.experiments.inputs.behaviour import POLICY, stock_episodes
from mechinterp.experiments.performance.result import Actor, Baseline, Endings, Result
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.policies.evaluation import endings, mean_return
from mechinterp.policies.rollouts import Episodes


@dataclass(frozen=True)
class Size:
    """Nothing beyond the plan's levels."""


SIZES = Sizes(full=Size(), quick=Size())


def measure(context: Context[Size]) -> Result:
    """Each actor plays the same levels; differences are paired by level."""
    stock, rng = context.inputs(stock_episodes), context.rng
    policy: Actor | None = None
    baselines = {}
    for name in stock.actors:
        episodes = stock[name]
        actor = Actor(
            mean_return=mean_return(episodes.reward, name=f"mean return, {name}", rng=rng, levels=episodes.level_seed),
            endings=_endings(episodes, name),
        )
        if name == POLICY:
            policy = actor
            continue
        own = stock[POLICY].reward[: len(episodes)]
        what = f"mean return, policy minus {name}"
        advantage = stats.paired_difference(
            own, episodes.reward, name=what, unit="levels", rng=rng, clusters=episodes.level_seed, bounds=(0, REWARD)
        )
        baselines[name] = Baseline(mean_return=actor.mean_return, endings=actor.endings, advantage=advantage)
    assert policy is not None
    return Result(best=REWARD, policy=policy, baselines=baselines)


def _endings(episodes: Episodes, actor: str) -> Endings:
    found = endings(episodes, prefix=actor)
    return Endings(**{estimate.name.rpartition("/")[2]: estimate for estimate in found})
