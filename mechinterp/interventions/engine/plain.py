"""The network behind the patched hook points, many patches in one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Protocol, Self

import torch
from jaxtyping import Shaped
from torch import Tensor

from mechinterp.interventions.applying import tiled
from mechinterp.interventions.sites import Site
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import PolicyOutput


class Suffix(Protocol):
    """Runs what comes after the patched hook points."""

    def __call__(self, sites: Sequence[Site], pairs: slice) -> PolicyOutput:
        """Outputs `[sites, pairs, ...]`; `pairs` are positions in the cache."""
        ...

    def putting_in(self, replacement: Mapping[str, Shaped[Tensor, " #pairs *shape"]]) -> Self:
        """The same unpatched run, with other values to put in."""
        ...


class PlainSuffix:
    """The network itself, from each hook point on: for any architecture, and under whatever hooks are on the policy.

    Args:
        base: the unpatched values of the frontier of every patched hook point.
        replacement: what is put in, at every patched hook point.
        first: position of the cached pairs in the masks of sites.
        rows: (patch, pair) rows that may be run at once behind each hook point.
    """

    def __init__(
        self,
        policy: Policy,
        base: Mapping[str, Tensor],
        replacement: Mapping[str, Shaped[Tensor, " #pairs *shape"]],
        *,
        first: int,
        rows: Mapping[str, int],
    ) -> None:
        self.policy, self.base, self.replacement, self.first, self.rows = policy, base, replacement, first, rows

    def __call__(self, sites: Sequence[Site], pairs: slice) -> PolicyOutput:
        outputs: list[tuple[list[int], PolicyOutput]] = []
        for hook in dict.fromkeys(site.hook for site in sites):
            members = [i for i, site in enumerate(sites) if site.hook == hook]
            limit = max(1, self.rows[hook] // (pairs.stop - pairs.start))
            for at in range(0, len(members), limit):
                block = members[at : at + limit]
                outputs.append((block, self._run(hook, [sites[i] for i in block], pairs)))
        order = torch.tensor([i for block, _ in outputs for i in block]).argsort()
        logits, value = (torch.cat([out[k] for _, out in outputs]) for k in (0, 1))
        return PolicyOutput(logits[order.to(logits.device)], value[order.to(value.device)])

    def putting_in(self, replacement: Mapping[str, Shaped[Tensor, " #pairs *shape"]]) -> Self:
        other = copy(self)
        other.replacement = replacement
        return other

    def _run(self, hook: str, sites: Sequence[Site], pairs: slice) -> PolicyOutput:
        values = {name: tiled(self.base[name][pairs], len(sites)) for name in self.policy.frontier(hook)}
        rows = values[hook].unflatten(0, (len(sites), -1))
        replacement = self.replacement[hook] if len(self.replacement[hook]) == 1 else self.replacement[hook][pairs]
        for row, site in zip(rows, sites, strict=True):
            write(row, replacement, site, slice(self.first + pairs.start, self.first + pairs.stop))
        output = self.policy(start_at=hook, values=values)
        return PolicyOutput(output.logits.unflatten(0, (len(sites), -1)), output.value.unflatten(0, (len(sites), -1)))


def write(
    value: Shaped[Tensor, " pairs *shape"], replacement: Shaped[Tensor, " #pairs *shape"], site: Site, pairs: slice
) -> None:
    """Put the site's part of `replacement` into `value`, in place; `pairs` are positions in the site's mask."""
    if value.ndim == 1:  # a single number
        value[:] = replacement
        return
    channels = slice(None) if site.channels is None else list(site.channels)
    if site.positions is None:
        value[:, channels] = replacement[:, channels]
        return
    cells = site.cells(value.shape[2], value.shape[3], pairs).to(value.device)
    value[:, channels] = torch.where(cells[:, None], replacement[:, channels], value[:, channels])
