"""How a policy behaves under a placement, in numbers with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mechinterp import stats
from mechinterp.coinrun.engine import GameOptions
from mechinterp.coinrun.goals import REWARD, Goal
from mechinterp.coinrun.levels import LevelSource, Placement
from mechinterp.coinrun.placements import placement as named_placement
from mechinterp.policies.actors import Actor, AlwaysRight
from mechinterp.policies.rollout import DEATHS, Episodes, Outcome, rollout
from mechinterp.stats import Estimate


@dataclass(frozen=True)
class Trial:
    """One way of testing behaviour.

    Attributes:
        placement: name of a placement rule, or the rule.
        stop_at: a place where an episode is stopped, since what follows is of no interest; None plays on to the end.
        max_steps: when to give up on an episode, in steps.
        pays: what a return is of. The game itself pays for coins; a place pays where episodes are stopped at it.
    """

    placement: str | Placement = "stock"
    stop_at: Goal | None = None
    max_steps: int = 1000
    pays: Goal = Goal.COIN

    def __post_init__(self) -> None:
        if self.pays not in (Goal.COIN, self.stop_at):
            stop = self.stop_at.value if self.stop_at else "nothing"
            raise ValueError(f"pays: the {self.pays.value}, but episodes are stopped at {stop}")

    def earned(self, episodes: Episodes) -> Float[np.ndarray, " episodes"]:
        """What each episode was paid, 0 to 10."""
        if self.pays is Goal.COIN:
            return episodes.reward
        return np.where(episodes.outcome == Outcome.STOPPED, REWARD, 0.0)


def stop_of(placement: str) -> Goal | None:
    """Where episodes of this placement are stopped by default.

    In a stock level, whose coin is at the end, play goes on; so it does where the agent may start anywhere, at the end
    too. Where else the coin is elsewhere, or there is none, reaching the end without it is an outcome of its own. An
    agent put at the right has got somewhere at the left wall.
    """
    name = placement.partition("=")[0]
    return {"stock": None, "random_agent_and_coin": None, "agent_at_right": Goal.START}.get(name, Goal.END)


def play(
    actor: Actor,
    levels: Sequence[int],
    trial: Trial,
    *,
    options: GameOptions,
    seed: int = 0,
    num_envs: int = 64,
) -> Episodes:
    """One whole episode on each level.

    Args:
        levels: level seeds.
        options: of the game.
        seed: of the placement's and the actor's chance; a level's episode depends on nothing else.
        num_envs: how many run side by side; it changes the speed only.
    """
    source = LevelSource(options, placement=named_placement(trial.placement), seed=seed)
    try:
        starts = source.starts(levels)
    finally:
        source.close()
    return rollout(actor, starts, seed=seed, max_steps=trial.max_steps, stop_at=trial.stop_at, num_envs=num_envs)


def mean_return(reward: Float[np.ndarray, " levels"], *, name: str, rng: np.random.Generator) -> Estimate:
    """The mean return (reward of a whole first episode of each level, 0 to 10)."""
    return stats.mean(reward, name=name, unit="levels", rng=rng, bounds=(0.0, REWARD))


def endings(episodes: Episodes, *, prefix: str) -> list[Estimate]:
    """The share of levels in which the episode ended so, for each way of ending: coin, each hazard, timeout."""
    kinds = (Outcome.COIN, *DEATHS, Outcome.TIMEOUT)
    return [
        stats.proportion(episodes.outcome == kind, name=f"{prefix}/{kind.name.lower()}", unit="levels")
        for kind in kinds
    ]


def outcomes(
    episodes: Episodes, *, prefix: str, can_take_coin: bool = True, stop_at: Goal | None = None
) -> list[Estimate]:
    """The share of levels for each of: coin (took it), end or start (reached where it was stopped), died, timeout."""
    found = {
        "coin": episodes.outcome == Outcome.COIN,
        (stop_at or Goal.END).value: episodes.outcome == Outcome.STOPPED,
        "died": episodes.died,
        "timeout": episodes.outcome == Outcome.TIMEOUT,
    }
    if not can_take_coin:
        del found["coin"]
    return [stats.proportion(hits, name=f"{prefix}/{name}", unit="levels") for name, hits in found.items()]


def against_always_right(
    actor: Actor, levels: Sequence[int], trial: Trial, *, options: GameOptions, seed: int = 0, num_envs: int = 64
) -> list[Estimate]:
    """What an actor does under a placement, beside the rule "always right + jump" on the same levels.

    Names: ``return``, ``return/always right + jump``, ``difference/always right + jump`` (paired), then ``outcome/...``
    (see `outcomes`), ``ending/...`` (see `endings`) and ``length`` in steps.
    """
    rng = np.random.default_rng([seed, len(levels)])
    mine, theirs = (
        play(each, levels, trial, options=options, seed=seed, num_envs=num_envs) for each in (actor, AlwaysRight())
    )
    rule = "always right + jump"
    my_return, their_return = trial.earned(mine), trial.earned(theirs)
    return [
        mean_return(my_return, name="return", rng=rng),
        mean_return(their_return, name=f"return/{rule}", rng=rng),
        stats.paired_difference(my_return, their_return, name=f"difference/{rule}", unit="levels", rng=rng),
        *outcomes(mine, prefix="outcome", stop_at=trial.stop_at),
        *endings(mine, prefix="ending"),
        stats.mean(mine.length, name="length (steps)", unit="levels", rng=rng),
    ]
