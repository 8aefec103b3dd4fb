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
from mechinterp.experiments.inputs.scenes import scenes
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.interventions import Site
from mechinterp.policies.graph import Policy
from mechinterp.stats import Estimate

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
        random_sets: sets of random channels at each hook point.
    """

    random_sets: int


SIZES = Sizes(full=Size(random_sets=5), quick=Size(random_sets=2))


def measure(context: Context[Size], contrast: Contrast) -> Result:
    """Effects of the chosen channels of each hook point, of all its channels, and of size-matched random ones."""
    policy, sets, rng = context.subject.policy, context.size.random_sets, context.rng
    shared, chosen = context.inputs(scenes), chosen_maps(contrast)
    _, report = shared.split(VARIABLE)
    sites: list[Site] = []
    for hook, channels in chosen.items():
        sites += [Site(hook, channels), Site(hook)]
        sites += [Site(hook, draw) for draw in random_sets(policy, hook, channels, sets, rng)]
    total: Estimate | None = None
    found: dict[str, dict[str, Patched]] = {hook: {} for hook in chosen}
    for direction in DIRECTIONS:
        context.tick(f"patching: {direction}")
        effects = patch(policy, report, sites, direction=direction, metrics=READOUT)
        if total is None:
            total = effects.total_estimate(READOUT, rng=rng).renamed(f"total effect of {VARIABLE} on {READOUT}")
        for at, hook in enumerate(chosen):
            found[hook][direction] = _patched(effects, f"{direction}, {hook}", at * (2 + sets), sets, rng)
    assert total is not None
    return Result(
        clean=report.clean_label,
        corrupted=report.corrupted_label,
        pairs=len(report),
        pairs_choose=len(shared.pairs(VARIABLE)) - len(report),
        random_sets=sets,
        total=total,
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
    """As many channels of the same hook point, none of the chosen ones while there are enough others."""
    width = policy.shapes[hook][0]
    others = np.setdiff1d(np.arange(width), chosen)
    pool = others if len(others) >= len(chosen) else np.arange(width)
    return [tuple(sorted(rng.choice(pool, len(chosen), replace=False).tolist())) for _ in range(count)]


def _patched(effects: Effects[Site], words: str, first: int, sets: int, rng: np.random.Generator) -> Patched:
    """The chosen channels, all channels, and the mean of the random sets, of the sites from ``first`` on."""
    by_site = effects.effect(READOUT)
    chosen, every = by_site[first], by_site[first + 1]
    random = by_site[first + 2 : first + 2 + sets].mean(0)

    def mean(values: Float64[np.ndarray, " pairs"], which: str) -> Estimate:
        return stats.mean(values, name=f"{words}: {which}", unit="levels", rng=rng, clusters=effects.levels)

    means = {"chosen": mean(chosen, "chosen channels"), "random": mean(random, "random channels")}
    means["every"] = mean(every, "all channels")
    difference = stats.paired_difference(
        chosen, random, name=f"{words}: chosen minus random", unit="levels", rng=rng, clusters=effects.levels
    )
    try:
        share = effects.share(first, READOUT, rng=rng).renamed(f"{words}: share of the total effect")
    except ZeroEffect:  # the total cannot be distinguished from 0: there is nothing to take a share of
        share = None
    return Patched(**means, difference=difference, share=share)
