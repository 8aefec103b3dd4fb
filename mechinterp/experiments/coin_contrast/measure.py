"""Choose the channels that respond to the coin on some levels; measure all channels on others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mechinterp.experiments.coin_contrast.result import Layer, Result
from mechinterp.experiments.inputs.examples import examples, one_a_level
from mechinterp.experiments.inputs.scenes import scenes
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.features import STATISTIC, UNIT, contrasts, null_contrasts
from mechinterp.features.contrasting import Contrasts
from mechinterp.features.untrained import NullContrasts
from mechinterp.policies.stages import stage_outputs

VARIABLES = ("coin on the right", "coin on the left")
EXAMPLES, MAPS = 2, 4
RANKING = 5
"""Untrained networks that decide, where channels are chosen, in which order these come."""


@dataclass(frozen=True)
class Size:
    """How much is compared.

    Attributes:
        untrained: networks that make the null: with fewer than 19 no p falls to 5 %.
        channels: chosen at each hook point.
    """

    untrained: int = 20
    channels: int = 4


SIZES = Sizes(full=Size(), quick=Size())


def measure(context: Context[Size]) -> Result:
    """Contrasts of all channels on held-out levels; the strongest were chosen on other levels."""
    policy, size, seed = context.subject.policy, context.size, context.plan.seed
    hooks = stage_outputs(policy)
    choose, report = context.inputs(scenes).split(*VARIABLES)
    seeds = range(seed, seed + size.untrained)
    context.tick("contrasts: choosing channels")
    chosen_on = contrasts(policy, choose, hooks=hooks)
    choose_null = null_contrasts(policy, choose, seeds=seeds[:RANKING], hooks=hooks)
    context.tick("contrasts: held-out levels")
    found = contrasts(policy, report, hooks=hooks)
    null = null_contrasts(policy, report, seeds=seeds, hooks=hooks)
    result = result_of(chosen_on, choose_null, found, null, channels=size.channels, rng=context.rng)
    drawn = [(hook, channel) for hook, channel in result.chosen if result.layers[hook].side > 1][:MAPS]
    if not drawn:
        return result
    return result.model_copy(update={"examples": examples(policy, one_a_level(report, EXAMPLES), drawn)})


def result_of(
    chosen_on: Contrasts,
    choose_null: NullContrasts,
    found: Contrasts,
    null: NullContrasts,
    *,
    channels: int,
    rng: np.random.Generator,
) -> Result:
    """What contrasts of any policy amount to, without examples.

    Args:
        chosen_on, choose_null: on the levels that choose, and of untrained networks that decide the order.
        found, null: on other levels.
        channels: chosen at each hook point.
    """
    every = {channel: place for place, channel in enumerate(chosen_on.top(10**6, null=choose_null))}
    best = [channel for hook in chosen_on.hooks for channel in chosen_on.top(channels, hooks=[hook])]
    measured: Iterator = iter(found.estimates(rng=rng, null=null))
    strengths = null.layers(found)
    layers = {}
    for hook in found.hooks:
        p = strengths[hook].p
        assert p is not None
        layers[hook] = Layer(
            side=max(1, found.sides[hook]),
            channels=tuple(
                next(measured).renamed(f"{hook}, channel {channel}") for channel in range(found.present[hook].shape[1])
            ),
            strength=found.strength(hook),
            untrained_strength=strengths[hook].value,
            strength_p=p,
        )
    return Result(
        statistic=STATISTIC,
        unit=UNIT,
        untrained_networks=len(null),
        pairs=len(found),
        pairs_choose=len(chosen_on),
        layers=layers,
        chosen=tuple((hook, int(channel)) for hook, channel in sorted(best, key=every.__getitem__)),
        examples=None,
    )
