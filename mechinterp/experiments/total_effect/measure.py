"""Measure how much each variable of the world moves each readout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mechinterp import stats
from mechinterp.coinrun.scenes import VARIABLES, MinimalPairs, SceneError, render
from mechinterp.experiments.inputs.examples import one_a_level
from mechinterp.experiments.inputs.scenes import scenes
from mechinterp.experiments.plan import generator
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.experiments.total_effect.result import Effect, Rank, Result, VariableEffects
from mechinterp.policies.graph import Policy
from mechinterp.policies.readouts import READOUTS
from mechinterp.proxies import RandomEffects, random_effects, total_effect
from mechinterp.stats import Estimate

FEWEST_LEVELS = 5


@dataclass(frozen=True)
class Size:
    """What effects are ranked among.

    Attributes:
        networks: random networks; with fewer than 20 no rank has a p of 0.05.
        levels: whose pairs every network sees, one of each, at most.
        frames: over which networks are scaled to the policy's spread, at most.
    """

    networks: int
    levels: int
    frames: int


SIZES = Sizes(full=Size(networks=100, levels=60, frames=150), quick=Size(networks=40, levels=30, frames=60))


def measure(context: Context[Size]) -> Result:
    """Each variable's effect on each readout, and its rank among random networks of the policy's sensitivity."""
    pairs, policy = measurable(context), context.subject.policy
    own = {name: own_effects(policy, one, seed=context.plan.seed) for name, one in pairs.items()}
    reference = visited_frames(context)
    random = random_effects(
        policy,
        {name: one_a_level(one, context.size.levels) for name, one in pairs.items()},
        reference=reference,
        networks=context.size.networks,
        seed=int(generator(context.plan.seed, "random networks").integers(2**31)),
        tick=lambda done: context.tick(f"random network {done} of {context.size.networks}"),
    )
    return result_of(pairs, own, random, frames=len(reference))


def result_of(
    pairs: Mapping[str, MinimalPairs],
    own: Mapping[str, Mapping[str, Estimate]],
    random: RandomEffects,
    *,
    frames: int,
) -> Result:
    """The effects of all variables with their p values, each corrected over its family.

    Args:
        pairs: by variable.
        own: by variable and readout, the effect over all of its pairs.
        random: the same on some of the pairs, in the policy and in random networks.
        frames: how many frames they were scaled over.
    """
    found: dict[str, dict[str, Effect]] = {name: {} for name in pairs}
    for family in families(pairs):
        for (name, readout), effect in ranked(family, own, random).items():
            found[name][readout] = effect
    return Result(
        margins={name: readout.margin for name, readout in READOUTS.items() if readout.margin is not None},
        networks=random.networks,
        frames=frames,
        spreads=dict(random.spreads),
        variables={
            name: VariableEffects(
                role=VARIABLES[name].role,  # pyright: ignore[reportArgumentType]
                clean=one.clean_label,
                corrupted=one.corrupted_label,
                pairs=len(one),
                readouts={readout: found[name][readout] for readout in READOUTS},
            )
            for name, one in pairs.items()
        },
    )


def measurable(context: Context[Size]) -> dict[str, MinimalPairs]:
    """By variable, the pairs of those for which enough states have room."""
    shared, found = context.inputs(scenes), {}
    for name in VARIABLES:
        context.tick(f"pairs: {name}")
        try:
            pairs = shared.pairs(name)
        except SceneError:
            continue  # too few states had room for it; the result shows what was measured
        if pairs.n_levels >= FEWEST_LEVELS:
            found[name] = pairs
    return found


def visited_frames(context: Context[Size]) -> np.ndarray:
    """Frames of states that the policy visits, evenly spread: [frames, 64, 64, 3]."""
    plan = context.plan
    states = context.subject.states(levels=plan.levels, per_level=plan.states, seed=plan.seed)
    chosen = np.linspace(0, len(states) - 1, min(context.size.frames, len(states))).round().astype(int)
    return render([states[i] for i in chosen])


def own_effects(policy: Policy, pairs: MinimalPairs, *, seed: int) -> dict[str, Estimate]:
    """The policy's effect on each readout, over all pairs; null by flipping the signs of levels."""
    name = f"total effect of {pairs.variable}"
    own = total_effect(policy, pairs, rng=generator(seed, name))
    return {readout: effect.renamed(f"{name} on {readout}") for readout, effect in own.items()}


def families(variables: Sequence[str] | Mapping[str, object]) -> list[list[tuple[str, str]]]:
    """(variable, readout) in the families that p values are corrected for: a role's effects on actions, and on the
    value.
    """
    grouped: dict[tuple[str, bool], list[tuple[str, str]]] = {}
    for name in variables:
        for readout, one in READOUTS.items():
            grouped.setdefault((VARIABLES[name].role, one.acts), []).append((name, readout))
    return list(grouped.values())


def ranked(
    family: list[tuple[str, str]], own: Mapping[str, Mapping[str, Estimate]], random: RandomEffects
) -> dict[tuple[str, str], Effect]:
    """The effects of a family, with both of their p values corrected for it."""
    flips = stats.correct([own[name][readout] for name, readout in family], method="holm")
    ranks = random.ranks(family)
    return {
        key: Effect(effect=effect, rank=Rank(**{name: getattr(ranks[key], name) for name in Rank.model_fields}))
        for key, effect in zip(family, flips, strict=True)
    }
