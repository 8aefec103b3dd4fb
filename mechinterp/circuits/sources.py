"""Patches from several sources in one call: which sites take their values from where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
from jaxtyping import Int64, UInt8

from mechinterp.circuits.donors import CACHE, Cache, Donor, Source, donor, label
from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.fast import alike
from mechinterp.circuits.sites import PatchSite
from mechinterp.errors import nearest
from mechinterp.policies.graph import Policy

ONE_RUN = ("other", "zero", "resample")
"""Sources whose values at different hook points are those of one run (zeros stay zeros behind a relu or a pool)."""
FROM_FRAMES = ("mean", "resample")
"""Sources that are made from reference frames."""


@dataclass(frozen=True, eq=False)
class Group:
    """The sites that take their values from one source.

    Attributes:
        name: the source, as results call it.
        source: where the values come from.
        members: positions of the sites in the call.
        run: the sites that are run.
        index: which of `run` stands for each member.
    """

    name: str
    source: Source | Cache
    members: Int64[np.ndarray, " members"]
    run: tuple[PatchSite, ...]
    index: Int64[np.ndarray, " members"]

    def merged(self, policy: Policy) -> Group:
        """With patches that come to the same run once."""
        if self.name not in ONE_RUN:
            return self
        run, index = alike.merged(policy, self.run)
        return replace(self, run=run, index=index)


def by_source(sites: Sequence[PatchSite], source: Source | Cache, caches: Mapping[str, Cache]) -> list[Group]:
    """The sites in groups of one source each.

    Args:
        source: of sites that name none.
        caches: name -> values, for sites that name them.

    Raises:
        CircuitError: a site whose source is not known, or a cache that no site uses or that has a source's name.
    """
    known: dict[str, Source | Cache] = {name: name for name in get_args(Source)}
    if taken := [name for name in caches if name in (*known, CACHE)]:
        raise CircuitError(f"a cache cannot be called {taken[0]!r}: that is a source already; give it another name")
    known |= {label(source): source, **caches}
    members: dict[str, list[int]] = {}
    for i, site in enumerate(sites):
        name = label(source) if site.source is None else site.source
        if name not in known:
            raise CircuitError(
                f"{site.label}: unknown source {name!r}{nearest(name, known)} (sources are {', '.join(known)}, and the "
                "names of `caches`)"
            )
        members.setdefault(name, []).append(i)
    if idle := [name for name in caches if name not in members]:
        raise CircuitError(f"no site takes its values from the cache {idle[0]!r}")
    if isinstance(source, Mapping) and CACHE not in members:
        raise CircuitError("every site names a source of its own, so that none takes its values from the one given")
    return [
        Group(name, known[name], np.array(at), tuple(sites[i] for i in at), np.arange(len(at)))
        for name, at in members.items()
    ]


def hooks_of(policy: Policy, groups: Sequence[Group]) -> tuple[str, ...]:
    """The hook points that are patched by any of them, in running order."""
    named = {site.hook for group in groups for site in group.run}
    return tuple(name for name in policy.hook_names if name in named)


def donors(
    policy: Policy,
    groups: Sequence[Group],
    pairs: int,
    *,
    reference: UInt8[np.ndarray, "n 64 64 3"] | None,
    rng: np.random.Generator | None,
    batch: int,
) -> dict[str, Donor | None]:
    """For each group, by name, where its values come from (see `donor`).

    Raises:
        CircuitError: reference frames or an rng that no group has a use for, one that a group lacks, or a cache that
            does not fit.
    """
    framed = any(group.source in FROM_FRAMES for group in groups)
    drawn = any(group.source == "resample" for group in groups)
    made = {}
    for group in groups:
        # What no source can use is handed to the first one, which says so.
        own = reference if group.source in FROM_FRAMES or not framed else None
        draws = rng if group.source == "resample" or not drawn else None
        hooks = hooks_of(policy, [group])
        made[group.name] = donor(policy, hooks, group.source, pairs, reference=own, rng=draws, batch=batch)
    return made
