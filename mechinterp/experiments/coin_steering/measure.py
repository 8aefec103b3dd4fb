"""Add what the coin's side changes, in doses of both signs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mechinterp import stats
from mechinterp.coinrun.scenes import MinimalPairs
from mechinterp.experiments.coin_steering.result import Dose, Played, Result
from mechinterp.experiments.inputs.blindings import blindings
from mechinterp.experiments.inputs.examples import one_a_level
from mechinterp.experiments.inputs.games import level_games, play_games
from mechinterp.experiments.inputs.side_vector import side_vector
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.features.blinding import movement
from mechinterp.interventions import Steer, compare
from mechinterp.policies.graph import Policy
from mechinterp.stats import Null

DOSES = (-4.0, -2.0, -1.0, 1.0, 2.0, 4.0)
PLAYED = (-2.0, -1.0, 0.0, 1.0, 2.0)


@dataclass(frozen=True)
class Size:
    """How much is asked.

    Attributes:
        frames: without a coin, of different levels, at most.
        random: vectors of the null.
        levels: held-out levels that are played, at most.
        steps: of an episode, at most.
    """

    frames: int
    random: int
    levels: int
    steps: int


SIZES = Sizes(
    full=Size(frames=60, random=100, levels=100, steps=200), quick=Size(frames=16, random=100, levels=30, steps=100)
)


def measure(context: Context[Size]) -> Result:
    """The vector and its layer are of levels that choose; frames and episodes of others."""
    policy, size, rng = context.subject.policy, context.size, context.rng
    found = context.inputs(blindings)
    own = context.inputs(side_vector)
    hook, vector, held = own.hook, own.vector, own.report
    frames = one_a_level(found.report, size.frames)
    base = movement(policy, frames.corrupted, [()])[0]
    context.tick(f"steering {hook}")
    moved = _steered(policy, hook, vector, frames) - base
    drawn = [_steered(policy, hook, _random(vector, rng), frames) - base for _ in range(size.random)]
    names = [f"change of movement, dose {dose:g} at {hook}" for dose in DOSES]
    changes = stats.means(moved.T, names=names, unit="levels", rng=rng, clusters=frames.levels)
    draws = np.array(drawn).mean(2)
    what = f"{size.random} random vectors as long at every cell"
    doses = [
        Dose(dose=dose, change=one.against(Null.from_draws(one.value, draws[:, column], description=what)))
        for column, (dose, one) in enumerate(zip(DOSES, changes, strict=True))
    ]
    sides = np.subtract(*(movement(policy, part, [()])[0] for part in (held.clean, held.corrupted)))
    real = stats.mean(sides, name="effect of the coin's side on movement", unit="levels", rng=rng, clusters=held.levels)
    context.tick("steering episodes")
    return Result(
        hook=hook,
        real=real,
        frames=tuple(doses),
        episodes=_play(context, hook, vector),
        norm=own.norm,
        choosing=own.pairs,
        random=size.random,
        steps=size.steps,
    )


def _random(
    vector: Float[Tensor, "channels side side"], rng: np.random.Generator
) -> Float[Tensor, "channels side side"]:
    """A vector that points anywhere over channels, but is as long at every cell."""
    noise = torch.from_numpy(rng.normal(size=tuple(vector.shape))).to(vector)
    return noise * (vector.norm(dim=0, keepdim=True) / noise.norm(dim=0, keepdim=True))


def _steered(
    policy: Policy, hook: str, vector: Float[Tensor, "channels side side"], frames: MinimalPairs
) -> Float[np.ndarray, "doses frames"]:
    """The movement log-odds of frames without a coin under every dose."""
    sets = [(Steer(hook, direction=vector, strength=dose),) for dose in DOSES]
    return movement(policy, frames.corrupted, sets)


def _play(context: Context[Size], hook: str, vector: Float[Tensor, "channels side side"]) -> tuple[Played, ...]:
    size, plan = context.size, context.plan
    games = level_games(context.inputs, min(size.levels, plan.levels))
    sets = {f"{dose:g}": (Steer(hook, direction=vector, strength=dose),) if dose else () for dose in PLAYED}
    played = play_games(context.inputs, games, sets, max_steps=size.steps)
    right = {"first to the right": lambda episodes: episodes.first_side == 1}
    found = compare(played, to="0", measures={**right, **games.measures()})
    return tuple(
        Played(dose=float(name), shares=dict(found.values[name]), changes=dict(found.differences.get(name, {})))
        for name in sets
    )
