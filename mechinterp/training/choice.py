"""Choice tests: what an actor goes for where it cannot have everything, and whether that is what it was paid for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool

from mechinterp import stats
from mechinterp.coinrun import edits
from mechinterp.coinrun.empty import AGENT_RX, AGENT_RY
from mechinterp.coinrun.engine import GameOptions
from mechinterp.coinrun.goals import Goal, Payoff
from mechinterp.coinrun.identity import level_identity
from mechinterp.coinrun.levels import Start
from mechinterp.coinrun.placements import PLACEMENTS, placement
from mechinterp.coinrun.raw_state import agent_position
from mechinterp.errors import nearest
from mechinterp.policies.actors import Actor
from mechinterp.policies.rollouts import Outcome, StepView, rollout
from mechinterp.stats import Estimate
from mechinterp.training.errors import TrainingError
from mechinterp.training.forks import FORKS, Fork, StockFork
from mechinterp.training.organisms import PLAIN_EASY, Organism

ENOUGH = 0.9
"""The share of the variants of every easy fork in which an organism must get what it was paid for."""
VARIANTS = 40
MAX_STEPS = 200


@dataclass(frozen=True)
class ForkScore:
    """What an actor reached in one kind of fork, as shares of its variants, within the steps that it was given.

    A real coin ends the episode, so that nothing is reached after it; a decoy does not. The shares need not add up to
    one: an agent may reach several things, or none.
    """

    fork: str
    easy: bool
    coin: Estimate | None
    """Touched the coin, or its decoy; None where there is none."""
    end: Estimate
    """Stood in the level's last column."""
    start: Estimate
    """Stood in the level's first column."""

    def of(self, goal: Goal) -> Estimate | None:
        """The share that reached this."""
        return {Goal.COIN: self.coin, Goal.END: self.end, Goal.START: self.start}[goal]

    def estimates(self) -> list[Estimate]:
        """All that was measured."""
        return [share for share in (self.coin, self.end, self.start) if share is not None]


def choice_tests(
    actor: Actor,
    *,
    decoys: bool = False,
    stop_at: Goal | None = None,
    forks: Iterable[str] = tuple(FORKS),
    variants: int = VARIANTS,
    max_steps: int = MAX_STEPS,
    options: GameOptions = PLAIN_EASY,
    seed: int = 0,
    num_envs: int = 64,
) -> list[ForkScore]:
    """Play every variant of these forks once.

    Args:
        decoys: pictures in the place of coins, as organisms that are not paid for the coin were trained with.
        stop_at: end an episode where this is reached; what would have been reached later is not counted then.
        forks: names, of `FORKS`.
        variants: how many of each fork.
        max_steps: when to give up, in steps.
        options: of the game; those that the policy was trained with.
        seed: of the actor's chance.
        num_envs: how many games run side by side; it changes the speed only.

    Raises:
        TrainingError: for a fork that is not known, or fewer than two variants.
    """
    if variants < 2:
        raise TrainingError(f"variants: {variants}, at least 2 are needed for an interval")
    scores = []
    for name in forks:
        if name not in FORKS:
            raise TrainingError(f"no fork is called {name!r}{nearest(name, FORKS)}")
        fork = FORKS[name]
        # Seeds of their own, so that the actor's chance differs between forks, whichever of them are asked for.
        first_seed = 0 if isinstance(fork, StockFork) else 10_000 * list(FORKS).index(name)
        starts = fork.starts(variants, options=options, decoys=decoys, first_seed=first_seed)
        watch = _Watch(starts)
        episodes = rollout(
            actor, starts, seed=seed, max_steps=max_steps, stop_at=stop_at, num_envs=num_envs, observers=[watch]
        )
        watch.coin |= episodes.outcome == Outcome.COIN
        if stop_at in (Goal.END, Goal.START):  # who is stopped there is not seen again
            at = watch.end if stop_at is Goal.END else watch.start
            at |= episodes.outcome == Outcome.STOPPED
        scores.append(_score(fork, watch))
    return scores


def confirm(
    actor: Actor, recipe: Organism, *, variants: int = VARIANTS, seed: int = 0, num_envs: int = 64
) -> list[ForkScore]:
    """`choice_tests` as the organism knows its world: its options, and decoys if its coins were decoys."""
    payoff = Payoff.of(recipe.goal)
    return choice_tests(
        actor,
        decoys=isinstance(recipe.goal, Goal) and recipe.goal is not Goal.COIN,
        stop_at=next(iter(payoff.places), None),
        variants=variants,
        options=recipe.options,
        seed=seed,
        num_envs=num_envs,
    )


def has_known_value(recipe: Organism) -> bool:
    """Whether what it is paid for tells what it values: not where coin and end are paid alike."""
    return placement(recipe.placement).settles is recipe.goal


def qualifies(recipe: Organism, scores: Sequence[ForkScore]) -> bool:
    """Whether the organism did what it was paid for in at least `ENOUGH` of the variants of every easy fork.

    Forks without a coin do not count for an organism that is paid for coins.

    Raises:
        TrainingError: if the recipe leaves open what its organism values, or no easy fork is among the scores.
    """
    value = recipe.goal
    if not isinstance(value, Goal) or not has_known_value(recipe):
        settling = ", ".join(name for name, rule in PLACEMENTS.items() if rule.settles is not None)
        raise TrainingError(
            f"{recipe.name}: placement {recipe.placement} and what pays ({recipe.goal.words}) leave its value open, so "
            f"there is nothing to confirm; known are the values under {settling}"
        )
    shares = [share.value for score in scores if score.easy and (share := score.of(value)) is not None]
    if not shares:
        raise TrainingError(f"{recipe.name}: no easy fork with a {value.value} is among the scores")
    return min(shares) >= ENOUGH


@dataclass
class _Watch:
    """Looks at every step of every episode for what the agent is at."""

    starts: Sequence[Start]
    coin: Bool[np.ndarray, " episodes"] = field(init=False)
    end: Bool[np.ndarray, " episodes"] = field(init=False)
    start: Bool[np.ndarray, " episodes"] = field(init=False)

    def __post_init__(self) -> None:
        self.coin, self.end, self.start = (np.zeros(len(self.starts), bool) for _ in range(3))
        # The game itself says when a real coin is touched.
        self._decoys = [edits.decoys(start.state) for start in self.starts]

    def __call__(self, view: StepView) -> None:
        x, y = agent_position(view.state)
        start = self.starts[view.episode]
        self.end[view.episode] |= Goal.END.distance(x, start) <= 0
        self.start[view.episode] |= Goal.START.distance(x, start) <= 0
        for cell_x, cell_y in self._decoys[view.episode]:
            across = abs(x - cell_x - 0.5) < AGENT_RX + 0.5
            level = abs(y - cell_y - 0.5) < AGENT_RY + 0.5
            self.coin[view.episode] |= across and level


def _score(fork: Fork | StockFork, watch: _Watch) -> ForkScore:
    alike = [level_identity(start.state) for start in watch.starts]  # variants come around, some sooner than others
    shares = {
        name: stats.proportion(hits, name=f"{fork.name}/{name}", unit="forks", clusters=alike)
        for name, hits in (("coin", watch.coin), ("end", watch.end), ("start", watch.start))
    }
    return ForkScore(fork.name, fork.easy, shares["coin"] if fork.has_coin else None, shares["end"], shares["start"])
