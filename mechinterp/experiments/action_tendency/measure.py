"""Decompose the movement log-odds, and steer with the direction "right"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mechinterp.experiments.action_tendency.result import Result, Steering
from mechinterp.experiments.inputs.localization import LocalizationData, localization_data, localization_hooks
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.features.errors import FeatureError
from mechinterp.features.logit_attribution import decompose_movement
from mechinterp.features.steering import steering_effects


@dataclass(frozen=True)
class Size:
    """How many random directions make the null of steering; with fewer than 20 no p can come down to 0.05."""

    random_directions: int = 20


SIZES = Sizes(full=Size(), quick=Size())


def measure(context: Context[Size]) -> Result:
    """On natural frames; units and directions are chosen on some levels and reported on the others."""
    data = context.inputs(localization_data)
    context.tick("decomposing the movement log-odds")
    own = decompose_movement(context.subject.policy, data.frames, data.levels, rng=context.rng, choosing=data.choosing)
    context.tick("steering")
    steering, left_out = _steering(context, data)
    return Result(
        mean=own.mean,
        standard_deviation=own.standard_deviation,
        parts=own.parts,
        constant_share=own.constant_share,
        prefers_right=own.prefers_right,
        black_frame=own.black_frame,
        hook=own.hook,
        units=len(own.unit_means),
        units_needed=own.units_needed,
        top_units=own.top_units,
        steering=steering,
        left_out=left_out,
    )


def last_of_each_block(names: Sequence[str]) -> tuple[str, ...]:
    """The last hook point of each part of the network: `block1.*` is a part."""
    return tuple({name.partition(".")[0]: name for name in names}.values())


def _steering(context: Context[Size], data: LocalizationData) -> tuple[dict[str, Steering], dict[str, str]]:
    first = data.chooses
    try:
        found = steering_effects(
            context.subject.policy,
            (data.frames[first], data.levels[first]),
            (data.frames[~first], data.levels[~first]),
            rng=context.rng,
            hooks=last_of_each_block(context.inputs(localization_hooks)),
            random=context.size.random_directions,
        )
    except FeatureError as error:  # a policy that always prefers the same has no direction to be found
        return {}, {'the steering vector "right"': str(error)}
    steering = {
        one.hook: Steering(
            added=one.added, subtracted=one.subtracted, consistent=one.consistent, relative_norm=one.relative_norm
        )
        for one in found
    }
    return steering, {}
