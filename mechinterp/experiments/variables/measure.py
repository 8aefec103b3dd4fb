"""Measure the contrasts of every variable at every hook point."""

from __future__ import annotations

from dataclasses import dataclass

from mechinterp.experiments.inputs.localization import channel_responses, localization_data, untrained_responses
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.experiments.variables.result import Contrast, Result
from mechinterp.features.variables import VariableContrast, variable_contrasts


@dataclass(frozen=True)
class Size:
    """Nothing beyond the shared scenes and networks."""


SIZES = Sizes(full=Size(), quick=Size())


def measure(context: Context[Size]) -> Result:
    """Each object present or absent, and the coin on either side; channels are chosen on some levels."""
    data = context.inputs(localization_data)
    responses, null = context.inputs(channel_responses), context.inputs(untrained_responses)
    context.tick("contrasts of every variable")
    found = variable_contrasts(
        context.subject.policy,
        data.states,
        responses,
        null,
        seeds=data.seeds,
        choosing=data.choosing,
        held=data.held,
        rng=context.rng,
    )
    contrasts: dict[str, dict[str, Contrast]] = {}
    for one in found.contrasts:
        contrasts.setdefault(one.variable, {})[one.hook] = _contrast(one)
    return Result(
        contrasts=contrasts,
        left_out=found.left_out,
        picture_difference=found.picture_difference,
        pictures=found.pictures,
        untrained_networks=len(null),
    )


def _contrast(one: VariableContrast) -> Contrast:
    null = one.untrained_strength
    assert null.p is not None
    return Contrast(
        active=one.active,
        discriminating=one.discriminating,
        above_untrained=one.above_untrained,
        strength=one.strength,
        untrained_strength=null.value,
        strength_p=null.p,
        channel=one.channel,
        strongest=one.strongest,
    )
