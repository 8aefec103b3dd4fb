"""Play forks and held-out levels, blinded to the coin and to hazards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from mechinterp import stats
from mechinterp.experiments.inputs.blindings import Blindings, blindings
from mechinterp.experiments.inputs.games import Games, forks, level_games, play_games
from mechinterp.experiments.removal.result import Arm, Part, Result
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.features.blinding import Blinding, distance
from mechinterp.interventions import compare
from mechinterp.policies.graph import Policy
from mechinterp.policies.rollouts import Episodes
from mechinterp.stats import Estimate, Null

PLAIN, ABSENT = "plain", "coin absent"
BLIND = "blind to the {} ({})"


@dataclass(frozen=True)
class Size:
    """How much is played.

    Attributes:
        forks: hand-designed levels.
        levels: held-out levels, at most.
        fork_steps, level_steps: of an episode, at most.
        random: random sets of channels, and random directions, each.
    """

    forks: int
    levels: int
    fork_steps: int
    level_steps: int
    random: int


# of fewer than 40, a rank's p could not come down to 0.05
SIZES = Sizes(
    full=Size(forks=40, levels=200, fork_steps=60, level_steps=300, random=100),
    quick=Size(forks=20, levels=40, fork_steps=50, level_steps=150, random=40),
)


def measure(context: Context[Size]) -> Result:
    """The plain policy, the coin really absent, and every blinding, on the same games with the same chance."""
    inputs, size, rng, policy = context.inputs, context.size, context.rng, context.subject.policy
    found = inputs(blindings)
    named = {BLIND.format(one.thing, one.way): one for one in (*found.coin.values(), *found.others.values())}
    sets = {PLAIN: (), ABSENT: (), **{name: (one.edit,) for name, one in named.items()}}
    drawn = {
        (name, number): one.random(rng)
        for name, one in named.items()
        if one in found.coin.values()
        for number in range(size.random)
    }
    context.tick("playing forks")
    games = forks(inputs, size.forks)
    random = {f"{name}, random {number}": (edit,) for (name, number), edit in drawn.items()}
    played = play_games(inputs, games, {**sets, **random}, max_steps=size.fork_steps, without_coin=[ABSENT])
    at_forks = _arms({name: played[name] for name in sets}, games)
    for name in dict.fromkeys(name for name, _ in drawn):
        draws = [played[f"{name}, random {number}"] for number in range(size.random)]
        at_forks[name] = _ranked(at_forks[name], draws, played[PLAIN], games, named[name])
    context.tick("playing held-out levels")
    free = level_games(inputs, min(size.levels, context.plan.levels))
    in_levels = play_games(inputs, free, sets, max_steps=size.level_steps, without_coin=[ABSENT])
    return Result(
        parts={name: _part(policy, found, one, rng) for name, one in named.items()},
        forks=at_forks,
        levels=_arms(in_levels, free),
        fork_steps=size.fork_steps,
        level_steps=size.level_steps,
        random=size.random,
    )


def _arms(played: Mapping[str, Episodes], games: Games) -> dict[str, Arm]:
    found = compare(played, to=PLAIN, measures=games.measures())
    return {
        name: Arm(shares=dict(found.values[name]), changes=dict(found.differences.get(name, {}))) for name in played
    }


def _ranked(arm: Arm, draws: list[Episodes], plain: Episodes, games: Games, one: Blinding) -> Arm:
    """The same with the changes under random parts as the null."""
    what = f"{len(draws)} random {'directions' if one.way == 'direction' else 'sets of as many channels'} of {one.hook}"
    changes: dict[str, Estimate] = {}
    for name, read in games.measures().items():
        base, own = read(plain).mean(), arm.changes[name]
        others = np.array([read(episodes).mean() - base for episodes in draws])
        changes[name] = own.against(Null.from_draws(own.value, others, description=what))
    return Arm(shares=arm.shares, changes=changes)


def _part(policy: Policy, found: Blindings, one: Blinding, rng: np.random.Generator) -> Part:
    pairs = found.report if one.thing == "coin" else found.report.with_object(one.thing).pairs
    values = np.stack([distance(policy, edit, pairs.clean, pairs.corrupted) for edit in (None, one.edit)], 1)
    names = [f"effect of the {one.thing} on movement (size)", f"distance from blind to the {one.thing}"]
    effect, left = stats.means(values, names=names, unit="levels", rng=rng, clusters=pairs.levels)
    coin = found.coin["direction"]
    alike = torch.cosine_similarity(one.direction, coin.direction, dim=0) if one.hook == coin.hook else None
    return Part(
        thing=one.thing,
        hook=one.hook,
        channels=one.channels if one.way == "channels" else None,
        effect=effect,
        left=left,
        like_coin=None if alike is None else float(alike),
    )
