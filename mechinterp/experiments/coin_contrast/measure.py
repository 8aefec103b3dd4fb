"""Choose the channels that respond to the coin on some levels; measure all channels on others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mechinterp.experiments.coin_contrast.result import Layer, Result
from mechinterp.experiments.inputs.examples import examples, one_a_level
from mechinterp.experiments.inputs.scenes import scenes
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.features import STATISTIC, UNIT, contrasts, null_contrasts
from mechinterp.policies.graph import Policy
from mechinterp.policies.stages import stage_outputs

VARIABLES = ("coin on the right", "coin on the left")
EXAMPLES, MAPS = 2, 4


@dataclass(frozen=True)
class Size:
    """How much is compared.

    Attributes:
        untrained: networks that make the null.
        channels: chosen at each hook point.
    """

    untrained: int
    channels: int = 4


SIZES = Sizes(full=Size(untrained=5), quick=Size(untrained=2))


def measure(context: Context[Size]) -> Result:
    """Contrasts of all channels on held-out levels; the strongest were chosen on other levels."""
    policy, size, seed = context.subject.policy, context.size, context.plan.seed
    hooks = stage_outputs(policy)
    choose, report = context.inputs(scenes).split(*VARIABLES)
    seeds = range(seed, seed + size.untrained)
    context.tick("contrasts: choosing channels")
    chosen_on = contrasts(policy, choose, hooks=hooks)
    null = null_contrasts(policy, choose, seeds=seeds, hooks=hooks)
    every = {channel: place for place, channel in enumerate(chosen_on.top(10**6, hooks=hooks, null=null))}
    best = [channel for hook in hooks for channel in chosen_on.top(size.channels, hooks=[hook])]
    chosen = sorted(best, key=every.__getitem__)
    context.tick("contrasts: held-out levels")
    found = contrasts(policy, report, hooks=hooks)
    null = null_contrasts(policy, report, seeds=seeds, hooks=hooks)
    measured: Iterator = iter(found.estimates(rng=context.rng, null=null))
    layers = {
        hook: Layer(
            side=_side(policy, hook),
            channels=tuple(
                next(measured).renamed(f"{hook}, channel {channel}") for channel in range(policy.shapes[hook][0])
            ),
        )
        for hook in hooks
    }
    drawn = [(hook, channel) for hook, channel in chosen if layers[hook].side > 1][:MAPS]
    return Result(
        statistic=STATISTIC,
        unit=UNIT,
        untrained_networks=size.untrained,
        pairs=len(report),
        pairs_choose=len(choose),
        layers=layers,
        chosen=tuple((hook, int(channel)) for hook, channel in chosen),
        examples=examples(policy, one_a_level(report, EXAMPLES), drawn) if drawn else None,
    )


def _side(policy: Policy, hook: str) -> int:
    shape = policy.shapes[hook]
    return shape[-1] if len(shape) == 3 else 1
