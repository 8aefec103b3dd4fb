"""Patches that come to the same: where one node alone reads a hook point, and channel by channel, patching a channel
before that node or behind it puts the same values on from there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from mechinterp.interventions.sites import Site
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import Node
from mechinterp.policies.traits import traits_of


def merged(policy: Policy, sites: Sequence[Site]) -> tuple[tuple[Site, ...], Int64[np.ndarray, " sites"]]:
    """The sites moved on as far as they may be, each once, and which of them stands for each of `sites`.

    Only where what is put in are values of one run: the mean of a relu is not the relu of a mean. Sites with positions
    stay where they are, since pooling widens them.
    """
    onward = _onward(policy)
    position: dict[tuple[str, tuple[int, ...] | None, int | None], int] = {}
    kept, index = [], np.empty(len(sites), np.int64)
    for i, site in enumerate(sites):
        hook = site.hook if site.positions is not None else onward[site.hook]
        key = (hook, site.channels, None if site.positions is None else i)
        if key not in position:
            position[key] = len(kept)
            kept.append(site if hook == site.hook else Site(hook, site.channels))
        index[i] = position[key]
    return tuple(kept), index


def _onward(policy: Policy) -> dict[str, str]:
    """Hook point -> the last one at which a patch of whole channels there would do the same."""
    found: dict[str, str] = {}
    for node in reversed(policy.nodes):
        readers = [other for other in policy.nodes if node.name in other.inputs]
        alone = len(readers) == 1 and len(readers[0].inputs) == 1 and _by_channel(policy, readers[0])
        found[node.name] = found[readers[0].name] if alone else node.name
    return found


def _by_channel(policy: Policy, node: Node) -> bool:
    return traits_of(policy.get_submodule(node.module)).channels == "kept"
