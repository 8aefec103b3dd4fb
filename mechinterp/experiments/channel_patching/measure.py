"""Patch the channels that respond to the coin between coin-right and coin-left frames, both ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float64

from mechinterp import stats
from mechinterp.circuits import DIRECTIONS, Effects, ZeroEffect, patch
from mechinterp.experiments.channel_patching.result import Patched, Result
from mechinterp.experiments.channel_patching.result import Site as SiteResult
from mechinterp.experiments.inputs.examples import one_a_level
from mechinterp.experiments.inputs.ranks import TotalEffects, rank_p
from mechinterp.experiments.inputs.scenes import scenes
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.features.random_parts import RANDOM, channel_sets
from mechinterp.interventions import Site
from mechinterp.policies.graph import Policy
from mechinterp.stats import Estimate, Null

VARIABLE, READOUT = "coin side", "movement"


class HasSide(Protocol):
    """A layer of `Contrast`."""

    @property
    def side(self) -> int:
        """Cells along a side of its map; 1 where it has no map."""
        ...


class Contrast(Protocol):
    """What is needed of the slice that finds the channels that respond to the coin."""

    @property
    def layers(self) -> Mapping[str, HasSide]:
        """By hook point, in running order."""
        ...

    @property
    def chosen(self) -> Sequence[tuple[str, int]]:
        """Hook point and channel, chosen on levels that are not reported on."""
        ...


@dataclass(frozen=True)
class Size:
    """How much is compared.

    Attributes:
        pairs: at most, of different levels as far as these last.
        random_sets: sets of random channels at each hook point, among which the chosen one is ranked.
    """

    pairs: int
    random_sets: int = RANDOM


SIZES = Sizes(full=Size(pairs=1000), quick=Size(pairs=16))


def measure(context: Context[Size], contrast: Contrast, effects_of_coin: TotalEffects) -> Result:
    """Effects of the chosen channels of each hook point, of all its channels, and of random sets of as many."""
    policy, sets, rng = context.subject.policy, context.size.random_sets, context.rng
    shared, chosen = context.inputs(scenes), chosen_maps(contrast)
    _, reported = shared.split(VARIABLE)
    report = reported if len(reported) <= context.size.pairs else one_a_level(reported, context.size.pairs)
    by_hook: dict[str, list[Site]] = {}
    for hook, channels in chosen.items():
        draws = random_sets(policy, hook, channels, sets, rng)
        by_hook[hook] = [Site(hook, channels), Site(hook), *(Site(hook, draw) for draw in draws)]
    total: Estimate | None = None
    found: dict[str, dict[str, Patched]] = {hook: {} for hook in chosen}
    for direction in DIRECTIONS:
        context.tick(f"patching: {direction}")
        sites = [site for own in by_hook.values() for site in own]
        effects = patch(policy, report, sites, direction=direction, metrics=READOUT)
        if total is None:
            total = effects.total_estimate(READOUT, rng=rng).renamed(f"total effect of {VARIABLE} on {READOUT}")
        first = 0
        for hook, own in by_hook.items():
            part = effects.only(range(first, first + len(own)))
            found[hook][direction] = _patched(part, f"{direction}, {hook}", total.value, rng)
            first += len(own)
    assert total is not None
    return Result(
        clean=report.clean_label,
        corrupted=report.corrupted_label,
        pairs=len(report),
        pairs_choose=len(shared.pairs(VARIABLE)) - len(reported),
        random_sets=sets,
        total=total,
        random_p=rank_p(effects_of_coin, VARIABLE, READOUT),
        sites={hook: SiteResult(channels=channels, **found[hook]) for hook, channels in chosen.items()},
    )


def chosen_maps(contrast: Contrast) -> dict[str, tuple[int, ...]]:
    """Hook point -> its chosen channels; only of maps.

    Of hidden units, hundreds without a place, a handful next to another handful would say little.
    """
    by_hook = {
        hook: tuple(sorted(channel for name, channel in contrast.chosen if name == hook))
        for hook, layer in contrast.layers.items()
        if layer.side > 1
    }
    return {hook: channels for hook, channels in by_hook.items() if channels}


def random_sets(
    policy: Policy, hook: str, chosen: tuple[int, ...], count: int, rng: np.random.Generator
) -> list[tuple[int, ...]]:
    """Other sets of as many channels of the same hook point: `count` random ones, or all, where there are fewer.

    They may share channels with the chosen set, so that a set that was itself chosen at random is one of them: its rank
    is then anything with the same chance. Were they drawn from the other channels alone, one strong channel would put
    any set that holds it first.
    """
    return channel_sets(range(policy.shapes[hook][0]), len(chosen), count, rng, other_than=chosen)


def _patched(effects: Effects[Site], words: str, total: float, rng: np.random.Generator) -> Patched:
    """The chosen channels, all channels, and the random sets, in this order, at one hook point."""
    chosen, every, *random = effects.effect(READOUT)

    def mean(values: Float64[np.ndarray, " pairs"], which: str) -> Estimate:
        return stats.mean(values, name=f"{words}: {which}", unit="levels", rng=rng, clusters=effects.levels)

    try:
        share = effects.share(0, READOUT, rng=rng).renamed(f"{words}: share of the total effect")
    except ZeroEffect:  # the total cannot be distinguished from 0: there is nothing to take a share of
        share = None
    own, whole = mean(chosen, "chosen channels"), mean(every, "all channels")
    if not random:  # the chosen channels are all there are
        return Patched(chosen=own, random=None, every=whole, difference=None, sets=0, share=share)
    average = np.mean(random, axis=0)
    difference = stats.paired_difference(
        chosen, average, name=f"{words}: chosen minus random", unit="levels", rng=rng, clusters=effects.levels
    )
    return Patched(
        chosen=own,
        random=mean(average, "random channels"),
        every=whole,
        difference=difference.against(rank_null(difference.value, np.array(random).mean(1) - average.mean(), total)),
        sets=len(random),
        share=share,
    )


def rank_null(own: float, random: Float64[np.ndarray, " sets"], total: float) -> Null:
    """Chosen minus the mean of random sets, with each random set in the place of the chosen one; p is the share of sets
    that carry as much in the direction of the total effect (of the chosen and all random ones).
    """
    what = f"{len(random)} random sets of as many channels of the hook point"
    return Null.from_draws(own, random, description=what, side="above" if total >= 0 else "below")
