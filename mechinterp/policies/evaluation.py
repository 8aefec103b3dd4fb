"""How a policy behaves under a placement, in numbers with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from mechinterp import stats
from mechinterp.coinrun.engine import GameOptions
from mechinterp.coinrun.goals import REWARD, Goal, Payoff
from mechinterp.coinrun.levels import LevelSource, Placement, Start
from mechinterp.coinrun.placements import placement as named_placement
from mechinterp.policies.actors import Actor, AlwaysRight
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.rollouts import DEATHS, Episodes, Outcome, rollout
from mechinterp.stats import Estimate


@dataclass(frozen=True)
class Trial:
    """One way of testing behaviour.

    Attributes:
        placement: name of a placement rule, or the rule.
        stop_at: a place where an episode is stopped, since what follows is of no interest; None plays on to the end.
        max_steps: when to give up on an episode, in steps.
        pays: what a return is of. The game itself pays for coins; a place pays where episodes are stopped at it.

    Raises:
        PolicyError: a place pays at which episodes are not stopped.
    """

    placement: str | Placement = "stock"
    stop_at: Goal | None = None
    max_steps: int = 1000
    pays: Goal | Payoff = Goal.COIN

    def __post_init__(self) -> None:
        for place in Payoff.of(self.pays).places:
            if place is not self.stop_at:
                stop = self.stop_at.value if self.stop_at else "nothing"
                raise PolicyError(f"pays: the {place.value}, but episodes are stopped at {stop}")

    @classmethod
    def under(cls, rule: str, *, max_steps: int = 1000, pays: Goal | Payoff = Goal.COIN) -> Trial:
        """A trial under a named placement, stopped where that says.

        Raises:
            PlacementError: an unknown rule, or one written wrongly.
        """
        return cls(rule, named_placement(rule).stop_at, max_steps, pays)

    def earned(self, episodes: Episodes, starts: Sequence[Start]) -> Float[np.ndarray, " episodes"]:
        """What each episode was paid, in the units of the game's reward (10 for a coin).

        Args:
            starts: of the episodes; some coins pay only where they are near the start.
        """
        payoff = Payoff.of(self.pays)
        took, arrived = episodes.outcome == Outcome.COIN, episodes.outcome == Outcome.STOPPED
        if isinstance(self.pays, Goal) and self.pays is not Goal.COIN:
            took = np.zeros(len(took), bool)
        coin = np.array([payoff.coin_weight(start) for start in starts])
        place = payoff.places.get(self.stop_at, 0.0) if self.stop_at is not None else 0.0
        paid = np.where(took, episodes.reward * coin, 0.0) + np.where(arrived, REWARD * place, 0.0)
        return paid + np.where(episodes.died, REWARD * payoff.death, 0.0)


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
    starts = starts_of(levels, trial, options=options, seed=seed)
    return rollout(actor, starts, seed=seed, max_steps=trial.max_steps, stop_at=trial.stop_at, num_envs=num_envs)


def starts_of(levels: Sequence[int], trial: Trial, *, options: GameOptions, seed: int = 0) -> list[Start]:
    """Where the episodes of a trial begin; see `play`."""
    with LevelSource(options, placement=named_placement(trial.placement), seed=seed) as source:
        return source.starts(levels)


def mean_return(
    reward: Float[np.ndarray, " episodes"],
    *,
    name: str,
    rng: np.random.Generator,
    levels: Int64[np.ndarray, " episodes"],
    least: float = 0.0,
) -> Estimate:
    """The mean return (reward of whole episodes, `least` to 10) over levels; those of one level are not independent."""
    return stats.mean(reward, name=name, unit="levels", rng=rng, clusters=levels, bounds=(least, REWARD))


def endings(episodes: Episodes, *, prefix: str) -> list[Estimate]:
    """The share of episodes that ended so, over levels, for each way of ending: coin, each hazard, timeout."""
    kinds = (Outcome.COIN, *DEATHS, Outcome.TIMEOUT)
    return _shares({kind.name.lower(): episodes.outcome == kind for kind in kinds}, prefix, episodes)


def outcomes(
    episodes: Episodes, *, prefix: str, can_take_coin: bool = True, stop_at: Goal | None = None
) -> list[Estimate]:
    """The share of episodes, over levels: coin (took it), end or start (reached, and stopped there), died, timeout."""
    found = {
        "coin": episodes.outcome == Outcome.COIN,
        (stop_at or Goal.END).value: episodes.outcome == Outcome.STOPPED,
        "died": episodes.died,
        "timeout": episodes.outcome == Outcome.TIMEOUT,
    }
    if not can_take_coin:
        del found["coin"]
    return _shares(found, prefix, episodes)


def _shares(found: Mapping[str, Bool[np.ndarray, " episodes"]], prefix: str, episodes: Episodes) -> list[Estimate]:
    return [
        stats.proportion(hits, name=f"{prefix}/{name}", unit="levels", clusters=episodes.level_seed)
        for name, hits in found.items()
    ]


ALWAYS_RIGHT = "always right + jump"


def against_always_right(
    actor: Actor, levels: Sequence[int], trial: Trial, *, options: GameOptions, seed: int = 0, num_envs: int = 64
) -> list[Estimate]:
    """What an actor does under a placement, with the rule "always right + jump" on the same levels; see `compared`."""
    return compared(actor, {ALWAYS_RIGHT: AlwaysRight()}, levels, trial, options=options, seed=seed, num_envs=num_envs)


def compared(
    actor: Actor,
    others: Mapping[str, Actor],
    levels: Sequence[int],
    trial: Trial,
    *,
    options: GameOptions,
    seed: int = 0,
    num_envs: int = 64,
) -> list[Estimate]:
    """What an actor does under a placement, compared with others on the same levels.

    Names: ``return``; for each other, ``return/OTHER`` and ``difference/OTHER`` (actor minus other, paired by level);
    then, of the actor, ``outcome/...`` (see `outcomes`), ``ending/...`` (see `endings`) and ``length`` in steps.
    """
    rng = np.random.default_rng([seed, len(levels)])
    starts = starts_of(levels, trial, options=options, seed=seed)

    def played(one: Actor) -> Episodes:
        return rollout(one, starts, seed=seed, max_steps=trial.max_steps, stop_at=trial.stop_at, num_envs=num_envs)

    mine = played(actor)
    my_return, clusters = trial.earned(mine, starts), mine.level_seed
    bounds = (Payoff.of(trial.pays).least, REWARD)

    def returns(earned: Float[np.ndarray, " episodes"], name: str) -> Estimate:
        return mean_return(earned, name=name, rng=rng, levels=clusters, least=bounds[0])

    found = [returns(my_return, "return")]
    for name, other in others.items():
        their_return = trial.earned(played(other), starts)
        found.append(returns(their_return, f"return/{name}"))
        found.append(
            stats.paired_difference(
                my_return,
                their_return,
                name=f"difference/{name}",
                unit="levels",
                rng=rng,
                clusters=clusters,
                bounds=bounds,
            )
        )
    return [
        *found,
        *outcomes(mine, prefix="outcome", stop_at=trial.stop_at),
        *endings(mine, prefix="ending"),
        stats.mean(
            mine.length, name="length (steps)", unit="levels", rng=rng, clusters=clusters, bounds=(0, trial.max_steps)
        ),
    ]
