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
from mechinterp.experiments.total_effect.controls import Controls, Measured, in_scenes, objects, strata
from mechinterp.experiments.total_effect.result import Effect, Rank, Result, VariableEffects
from mechinterp.policies.graph import Policy
from mechinterp.policies.readouts import READOUTS
from mechinterp.proxies import RandomEffects, random_effects, total_effect
from mechinterp.stats import Estimate

COIN_SIDE = "coin side"
FEWEST_LEVELS = 5
FEWEST_IN_STRATUM = 40


@dataclass(frozen=True)
class Size:
    """What effects are ranked among.

    Attributes:
        networks: random networks; with fewer than 20 no rank has a p of 0.05.
        levels: whose pairs every network sees, one of each, at most.
        frames: over which networks are scaled to the policy's spread, at most.
        objects: levels whose pairs are shown with other objects in the coin's place, one of each, at most.
        own: levels that the policy plays for states of its own; 0 for none.
    """

    networks: int
    levels: int
    frames: int
    objects: int
    own: int


SIZES = Sizes(
    full=Size(networks=100, levels=60, frames=150, objects=100, own=60),
    quick=Size(networks=40, levels=20, frames=60, objects=40, own=0),
)


def measure(context: Context[Size]) -> Result:
    """Each variable's effect on each readout, its rank among random networks of the policy's sensitivity, and controls.

    Controls are the effect by circumstance, with other objects in the coin's place, and in states of its own play.
    """
    pairs, policy, seed = measurable(context), context.subject.policy, context.plan.seed
    own = {name: own_effects(policy, one, seed=seed) for name, one in pairs.items()}
    reference = common_frames(context)
    random = random_effects(
        policy,
        {name: one_a_level(one, context.size.levels) for name, one in pairs.items()},
        reference=reference,
        networks=context.size.networks,
        seed=int(generator(context.plan.seed, "random networks").integers(2**31)),
        tick=lambda done: context.tick(f"random network {done} of {context.size.networks}"),
    )
    scenes_of_objects = one_a_level(pairs[COIN_SIDE], context.size.objects) if COIN_SIDE in pairs else None
    context.tick("other objects in the coin's place")
    controls = Controls(
        strata={
            name: strata(Measured.of(policy, one), one, fewest=FEWEST_IN_STRATUM, seed=seed)
            for name, one in pairs.items()
            if VARIABLES[name].role == "coin"
        },
        objects={} if scenes_of_objects is None else objects(policy, scenes_of_objects, seed=seed),
        same_scenes={} if scenes_of_objects is None else in_scenes(policy, scenes_of_objects, seed=seed),
        own_play=own_play(context),
    )
    return result_of(pairs, own, random, frames=len(reference), controls=controls)


def own_play(context: Context[Size]) -> dict[str, Estimate]:
    """The effect of the coin's side in states that the policy itself reaches; empty where it reaches none with room."""
    if not context.size.own:
        return {}
    context.tick("the coin's side in states of its own play")
    plan, subject = context.plan, context.subject
    try:
        pairs = subject.pairs(COIN_SIDE, levels=context.size.own, per_level=plan.states, seed=plan.seed, source="own")
    except SceneError:
        return {}
    if pairs.n_levels < FEWEST_LEVELS:
        return {}
    return in_scenes(subject.policy, pairs, seed=plan.seed)


def result_of(
    pairs: Mapping[str, MinimalPairs],
    own: Mapping[str, Mapping[str, Estimate]],
    random: RandomEffects,
    *,
    frames: int,
    controls: Controls | None = None,
) -> Result:
    """The effects of all variables with their p values, each corrected over its family.

    Args:
        pairs: by variable.
        own: by variable and readout, the effect over all of its pairs.
        random: the same on some of the pairs, in the policy and in random networks.
        frames: how many frames they were scaled over.
        controls: what stands next to the effects; by default nothing.
    """
    controls = Controls() if controls is None else controls
    found: dict[str, dict[str, Effect]] = {name: {} for name in pairs}
    for family in families(pairs):
        for (name, readout), effect in ranked(family, own, random).items():
            found[name][readout] = effect
    return Result(
        margins={name: readout.margin for name, readout in READOUTS.items() if readout.margin is not None},
        networks=random.networks,
        frames=frames,
        fewest=FEWEST_IN_STRATUM,
        spreads=dict(random.spreads),
        variables={
            name: VariableEffects(
                role=VARIABLES[name].role,  # pyright: ignore[reportArgumentType]
                clean=one.clean_label,
                corrupted=one.corrupted_label,
                pairs=len(one),
                readouts={readout: found[name][readout] for readout in READOUTS},
                strata=controls.strata.get(name, {}),
            )
            for name, one in pairs.items()
        },
        objects=controls.objects,
        same_scenes=controls.same_scenes,
        own_play=controls.own_play,
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


def common_frames(context: Context[Size]) -> np.ndarray:
    """Frames of states of the pool that is common to all policies, evenly spread: [frames, 64, 64, 3]."""
    plan = context.plan
    states = context.subject.states(levels=context.inputs(scenes).levels, per_level=plan.states, seed=plan.seed)
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
