"""Where patches go, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool
from torch import Tensor

from mechinterp.circuits.errors import CircuitError
from mechinterp.interventions import selection
from mechinterp.interventions.places import Box, Mask, Place
from mechinterp.policies.errors import UnknownHook
from mechinterp.policies.graph import Policy
from mechinterp.policies.hooks import Names


@dataclass(frozen=True)
class PatchSite:
    """A part of one activation.

    Attributes:
        hook: full name of the hook point.
        channels: which channels (features, where the activation is a row of numbers); None for all.
        place: which cells of the map; a `Mask` of three axes has a part for each pair. None for all.
        source: what is put in there: `other`, `mean`, `zero`, `resample` or the name of a cache, as in `patch`; None
            for what the call puts in everywhere else.
    """

    hook: str
    channels: tuple[int, ...] | None = None
    place: Place | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.source, str | None):
            raise CircuitError(
                f"the source of a site is a name, got {type(self.source).__name__}; give values of your own to "
                "`patch(..., caches={name: values})` and name them here"
            )
        object.__setattr__(self, "channels", selection.channel_tuple(self.channels, self.hook))

    @property
    def label(self) -> str:
        """For example `block2.res1.hook_out[3, 17] rows 2-4 columns 0-8 from mean`."""
        text = self.hook
        if self.channels is not None:
            text += f"[{', '.join(map(str, self.channels))}]"
        if isinstance(self.place, Box):
            text += " rows {}-{} columns {}-{}".format(*self.place.rows, *self.place.columns)
        elif self.place is not None:
            text += " masked"
        return text if self.source is None else f"{text} from {self.source}"

    def to_dict(self) -> dict[str, Any]:
        """As plain values that `json` writes."""
        place: Any = None
        if isinstance(self.place, Box):
            place = {"rows": list(self.place.rows), "columns": list(self.place.columns)}
        elif self.place is not None:
            bits = np.packbits(self.place.cells).tobytes().hex()
            place = {"shape": list(self.place.cells.shape), "bits": bits}
        channels = self.channels and list(self.channels)
        return {"hook": self.hook, "channels": channels, "place": place, "source": self.source}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PatchSite:
        """The inverse of `to_dict`."""
        place, stored = None, data["place"]
        if stored is not None and "bits" in stored:
            bits = np.unpackbits(np.frombuffer(bytes.fromhex(stored["bits"]), np.uint8), count=np.prod(stored["shape"]))
            place = Mask(bits.reshape(stored["shape"]).astype(bool))
        elif stored is not None:
            place = Box(tuple(stored["rows"]), tuple(stored["columns"]))
        return cls(data["hook"], data["channels"], place, data.get("source"))


def channel_sites(
    policy: Policy, hooks: Names = None, *, place: Place | None = None, source: str | None = None
) -> tuple[PatchSite, ...]:
    """One site for each channel of each selected hook point (all, if None), in running order.

    Raises:
        UnknownHook, EmptySelection: see `Policy.select`.
    """
    names = policy.select(hooks)
    return tuple(
        PatchSite(name, (channel,), place, source) for name in names for channel in range(_width(policy, name))
    )


def checked(policy: Policy, sites: Sequence[PatchSite], pairs: int) -> tuple[PatchSite, ...]:
    """The sites, after making sure that each exists in the policy and fits the pairs.

    Raises:
        CircuitError: no sites, or a mask for another number of pairs.
        UnknownHook: a site at no hook point.
        InterventionError: a channel or place that the activation does not have.
    """
    sites = (sites,) if isinstance(sites, PatchSite) else sites
    if isinstance(sites, str) or not all(isinstance(site, PatchSite) for site in sites):
        raise CircuitError(f"sites are a list of PatchSite(hook, channels, place), got {sites!r:.200}")
    sites = tuple(sites)
    if not sites:
        raise CircuitError("no sites to patch were given; `channel_sites(policy, hooks)` lists every channel")
    if unknown := [hook for hook in dict.fromkeys(site.hook for site in sites) if hook not in policy.hook_names]:
        raise UnknownHook(unknown, policy.hook_names)
    for site in sites:
        shape = policy.shapes[site.hook] or (1,)
        selection.check(site.hook, site.channels, site.place, shape)
        if isinstance(site.place, Mask) and site.place.cells.ndim == 3 and len(site.place.cells) != pairs:
            raise CircuitError(
                f"the mask at {site.hook} has a part for each of {len(site.place.cells)} pairs, there are {pairs}"
            )
    return sites


def _width(policy: Policy, name: str) -> int:
    return (policy.shapes[name] or (1,))[0]  # the value head gives one number, without an axis


def cells_of(site: PatchSite, height: int, width: int, pairs: slice) -> Bool[Tensor, "#pairs height width"]:
    """True at the cells that the site names, for some of the pairs."""
    assert site.place is not None
    cells = site.place.mask(height, width)
    return cells[pairs] if isinstance(site.place, Mask) and cells.ndim == 3 else cells.reshape(1, height, width)
