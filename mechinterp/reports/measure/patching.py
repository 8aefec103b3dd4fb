"""Section 6: whether the channels that see the coin also carry its effect to the action."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import numpy as np
from jaxtyping import Float64

from mechinterp import stats
from mechinterp.circuits import Effects, patch
from mechinterp.interventions import Site
from mechinterp.policies.graph import Policy
from mechinterp.reports.measure.behaviour import Tick
from mechinterp.reports.measure.scenes import Scenes
from mechinterp.reports.section import Section, Table
from mechinterp.stats import Estimate, UndefinedRatio

VARIABLE, METRIC = "coin side", "movement"


def patching(scenes: Scenes, chosen: Mapping[str, tuple[int, ...]], *, tick: Tick) -> Section:
    """Patch the chosen channels of each hook point between coin-right and coin-left frames, both ways.

    Args:
        chosen: hook point -> its channels, chosen on levels that are not reported on here.
    """
    plan, policy = scenes.plan, scenes.subject.policy
    rng = np.random.default_rng([plan.seed, 6])
    _, report = scenes.split(VARIABLE)
    sites: list[Site] = []
    for hook, channels in chosen.items():
        sites += [Site(hook, channels), Site(hook)]
        sites += [Site(hook, draw) for draw in _random_sets(policy, hook, channels, plan.random_sets, rng)]
    estimates: list[Estimate] = []
    for direction in ("denoise", "noise"):
        tick(f"patching: {direction}")
        effects = patch(policy, report, sites, direction=direction, metrics=METRIC)
        if not estimates:
            estimates.append(effects.total_estimate(METRIC, rng=rng).renamed("total"))
        for at, hook in enumerate(chosen):
            first = at * (2 + plan.random_sets)
            estimates += _of_hook(effects, f"{direction}/{hook}", first, plan.random_sets, rng)
    rows = [{"hook": hook, "top": ", ".join(map(str, channels))} for hook, channels in chosen.items()]
    facts = {"clean": report.clean_label, "corrupted": report.corrupted_label, "random_sets": plan.random_sets}
    facts |= {"pairs": len(report), "pairs_choose": len(scenes.pairs(VARIABLE)) - len(report)}
    return Section(name="patching", estimates=tuple(estimates), tables={"sets": Table.of(rows)}, facts=facts)


def _of_hook(
    effects: Effects[Site], prefix: str, first: int, random_sets: int, rng: np.random.Generator
) -> list[Estimate]:
    """The chosen channels, all channels, and the mean of the random sets, of the sites from ``first`` on."""
    by_site = effects.effect(METRIC)
    top, everything = by_site[first], by_site[first + 1]
    random = by_site[first + 2 : first + 2 + random_sets].mean(0)

    def mean(values: Float64[np.ndarray, " pairs"], name: str) -> Estimate:
        return stats.mean(values, name=f"{prefix}/{name}", unit="levels", rng=rng, clusters=effects.levels)

    found = [mean(top, "top"), mean(random, "random"), mean(everything, "all")]
    found.append(
        stats.paired_difference(
            top, random, name=f"{prefix}/difference", unit="levels", rng=rng, clusters=effects.levels
        )
    )
    with suppress(UndefinedRatio):  # where the total cannot be told from 0 there is nothing to be a share of
        found.append(effects.share(first, METRIC, rng=rng).renamed(f"{prefix}/fraction"))
    return found


def _random_sets(
    policy: Policy, hook: str, chosen: tuple[int, ...], count: int, rng: np.random.Generator
) -> list[tuple[int, ...]]:
    """As many channels of the same hook point, none of the chosen ones while there are enough others."""
    width = policy.shapes[hook][0]
    others = np.setdiff1d(np.arange(width), chosen)
    pool = others if len(others) >= len(chosen) else np.arange(width)
    return [tuple(sorted(rng.choice(pool, len(chosen), replace=False).tolist())) for _ in range(count)]
