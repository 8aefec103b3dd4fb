"""Sites with several replacements in one call: which of them take their values from where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8
from torch import Tensor

from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.replacements import FROM_FRAMES, Replacement, Supply, label, supply
from mechinterp.interventions.edits import Ablate, Edit
from mechinterp.interventions.engine import alike
from mechinterp.interventions.sites import Site
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import Captured

ONE_RUN = ("counterfactual", "zero", "resample")
"""Replacements whose values at different hook points are those of one run (a relu or a pool leaves zeros zeros)."""


@dataclass(frozen=True, eq=False)
class Group:
    """The sites that take their values from one place.

    Attributes:
        name: the replacement, as results call it.
        replacement: where the values come from.
        members: positions of the sites in the call.
        run: the sites that are run.
        index: which of `run` stands for each member.
    """

    name: str
    replacement: Replacement | Edit
    members: Int64[np.ndarray, " members"]
    run: tuple[Site, ...]
    index: Int64[np.ndarray, " members"]

    def merged(self, policy: Policy) -> Group:
        """With patches that come to the same run once."""
        if self.name not in ONE_RUN:
            return self
        run, index = alike.merged(policy, self.run)
        return replace(self, run=run, index=index)


def replacements_of(
    sites: Sequence[Site | Edit], replacement: Replacement | Sequence[Replacement]
) -> list[Replacement | Edit]:
    """What is put in at each site: an edit's own values, or what was given, for all sites or one for each.

    Raises:
        CircuitError: a list of another length than the sites.
    """
    given: list[Any]
    if isinstance(replacement, list | tuple) and not isinstance(replacement, Captured):
        if len(replacement) != len(sites):
            raise CircuitError(f"{len(sites)} sites need as many replacements, or one for all, got {len(replacement)}")
        given = list(replacement)
    else:
        given = [replacement] * len(sites)
    return [_own(site) if isinstance(site, Edit) else one for site, one in zip(sites, given, strict=True)]


def grouped_by_replacement(sites: Sequence[Site | Edit], given: Sequence[Replacement | Edit]) -> list[Group]:
    """The sites in groups of one replacement each. Raises CircuitError for what is no replacement."""
    members: dict[str | int, list[int]] = {}
    for i, one in enumerate(given):
        members.setdefault(one if isinstance(one, str) else id(one), []).append(i)
    places = [site.site if isinstance(site, Edit) else site for site in sites]
    return [
        Group(label(given[at[0]]), given[at[0]], np.array(at), tuple(places[i] for i in at), np.arange(len(at)))
        for at in members.values()
    ]


def hooks_of(policy: Policy, groups: Sequence[Group]) -> tuple[str, ...]:
    """The hook points that are patched by any of them, in running order."""
    named = {site.hook for group in groups for site in group.run}
    return tuple(name for name in policy.hook_names if name in named)


def label_of(groups: Sequence[Group], sites: int) -> str | tuple[str, ...]:
    """What a result calls the replacements: one name if all have the same, else one for each site."""
    if len({group.name for group in groups}) == 1:
        return groups[0].name
    names = [""] * sites
    for group in groups:
        for member in group.members:
            names[member] = group.name
    return tuple(names)


def supplies(
    policy: Policy,
    groups: Sequence[Group],
    pairs: int,
    *,
    reference: UInt8[np.ndarray, "n 64 64 3"] | UInt8[Tensor, "n 64 64 3"] | None,
    rng: np.random.Generator | None,
    at_once: int,
) -> list[Supply]:
    """For each group, where its values come from (see `supply`).

    Raises:
        CircuitError: reference frames or an rng that no group has a use for, one that a group lacks, or a cache that
            does not fit.
    """
    framed = any(group.name in FROM_FRAMES for group in groups)
    drawn = any(group.name == "resample" for group in groups)
    made = []
    for group in groups:
        # What no group can use is handed to the first one, which says so.
        own = reference if group.name in FROM_FRAMES or not framed else None
        draws = rng if group.name == "resample" or not drawn else None
        hooks = hooks_of(policy, [group])
        made.append(supply(policy, hooks, group.replacement, pairs, reference=own, rng=draws, at_once=at_once))
    return made


def _own(edit: Edit) -> Replacement | Edit:
    """Zero ablations are run together."""
    return "zero" if isinstance(edit, Ablate) and edit.mode == "zero" else edit
