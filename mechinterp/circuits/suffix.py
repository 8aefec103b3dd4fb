"""Many patches behind one hook point, run as one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from jaxtyping import Shaped
from torch import Tensor

from mechinterp.circuits.sites import PatchSite
from mechinterp.interventions.applying import tiled
from mechinterp.interventions.places import Mask
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import PolicyOutput


class Suffix(Protocol):
    """Runs what comes after one hook point, for patches there."""

    def __call__(self, sites: Sequence[PatchSite], pairs: slice) -> PolicyOutput:
        """Outputs of len(sites) x pairs rows, the pairs of the first site first; `pairs` are positions in the cache."""
        ...


class PlainSuffix:
    """The network itself, from the hook point on: for any architecture, and under whatever hooks are on the policy."""

    def __init__(
        self, policy: Policy, hook: str, base: Mapping[str, Tensor], donor: Shaped[Tensor, " #pairs *shape"], first: int
    ) -> None:
        self.policy, self.hook, self.donor, self.first = policy, hook, donor, first
        self.base = {name: base[name] for name in policy.frontier(hook)}

    def __call__(self, sites: Sequence[PatchSite], pairs: slice) -> PolicyOutput:
        values = {name: tiled(value[pairs], len(sites)) for name, value in self.base.items()}
        rows = values[self.hook].unflatten(0, (len(sites), -1))
        donor = self.donor if len(self.donor) == 1 else self.donor[pairs]
        for row, site in zip(rows, sites, strict=True):
            write(row, donor, site, slice(self.first + pairs.start, self.first + pairs.stop))
        return self.policy(start_at=self.hook, values=values)


def write(
    value: Shaped[Tensor, " pairs *shape"], donor: Shaped[Tensor, " #pairs *shape"], site: PatchSite, pairs: slice
) -> None:
    """Put the site's part of `donor` into `value`, in place; `pairs` are positions in the site's mask."""
    if value.ndim == 1:  # a single number
        value[:] = donor
        return
    channels = slice(None) if site.channels is None else list(site.channels)
    if site.place is None:
        value[:, channels] = donor[:, channels]
        return
    cells = cells_of(site, value.shape[2], value.shape[3], pairs).to(value.device)
    value[:, channels] = torch.where(cells[:, None], donor[:, channels], value[:, channels])


def cells_of(site: PatchSite, height: int, width: int, pairs: slice) -> Shaped[Tensor, "#pairs height width"]:
    """True at the cells that the site names, for some of the pairs."""
    assert site.place is not None
    cells = site.place.mask(height, width)
    return cells[pairs] if isinstance(site.place, Mask) and cells.ndim == 3 else cells.reshape(1, height, width)
