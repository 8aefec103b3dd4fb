"""The part of an activation that patches have changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Int64, Shaped
from torch import Tensor

from mechinterp.interventions.engine.regions import Region


@dataclass(frozen=True, eq=False)
class Part:
    """Values of an activation in m patched runs of p pairs, where they may differ from the unpatched run.

    Maps are kept with the channels last: `[m, p, height, width, channels]`; rows of numbers as `[m, p, features]`.

    Attributes:
        value: the patched values.
        region: the cells that `value` covers; None for a row of numbers.
        channels: `[m, k]`, the channels (features) that `value` covers in each patched run; None for all.
        maps: of a flattened map: the unpatched map. The value is still in the shape of the map then.
        owned: whether nothing else reads `value`, so that the next layer may overwrite it.
    """

    value: Shaped[Tensor, " m p *cells k"]
    region: Region | None
    channels: Int64[Tensor, "m k"] | None
    maps: Shaped[Tensor, "p height width channels"] | None = None
    owned: bool = False

    def keep(self, positions: Sequence[int]) -> Part:
        """Some of the patched runs."""
        if len(positions) == len(self.value):
            return self
        channels = None if self.channels is None else self.channels[positions]
        return replace(self, value=self.value[positions], channels=channels)


def take(base: Shaped[Tensor, " p *cells c"], channels: Int64[Tensor, "m k"] | None) -> Shaped[Tensor, " m p *cells k"]:
    """The channels that each patched run has changed, of the unpatched run."""
    if channels is None:
        return base.unsqueeze(0)
    m, k = channels.shape
    chosen = base.movedim(-1, 0).index_select(0, channels.reshape(-1))
    if k == 1:
        return chosen.unsqueeze(-1)
    return chosen.unflatten(0, (m, k)).movedim(1, -1)


def cut(base: Shaped[Tensor, "p height width c"], region: Region) -> Shaped[Tensor, "p h w c"]:
    """The cells of the region."""
    return base[:, region.rows.slice, region.columns.slice]


def change(part: Part, base: Shaped[Tensor, " p *cells c"]) -> Shaped[Tensor, " m p *cells k"]:
    """Patched minus unpatched, over what the part covers."""
    return part.value - take(base if part.region is None else cut(base, part.region), part.channels)


def changing(part: Part, base: Shaped[Tensor, " p *cells c"]) -> list[int]:
    """Positions of the patched runs that differ from the unpatched one at all."""
    return (change(part, base) != 0).flatten(1).any(1).nonzero().flatten().tolist()


def joined(a: Part, b: Part, base: Shaped[Tensor, " p *cells c"]) -> Part:
    """The runs of both, one after the other; both dense, or both with as many changed channels."""
    assert (a.channels is None) == (b.channels is None)
    region = a.region if a.region is None or b.region is None else a.region | b.region
    base = base if a.maps is None else a.maps
    value = torch.cat([widened(a, base, region), widened(b, base, region)])
    channels = None if a.channels is None or b.channels is None else torch.cat([a.channels, b.channels])
    return Part(value, region, channels, maps=a.maps, owned=True)


def widened(part: Part, base: Shaped[Tensor, " p *cells c"], region: Region | None) -> Shaped[Tensor, " m p *cells k"]:
    """The same channels over a larger region."""
    if part.region == region:
        return part.value
    assert region is not None
    assert part.region is not None
    context = take(cut(base, region), part.channels)
    wide = context.expand(len(part.value), *context.shape[1:]).clone()
    wide[:, :, part.region.rows.within(region.rows), part.region.columns.within(region.columns)] = part.value
    return wide


def dense(part: Part, base: Shaped[Tensor, " p *cells c"], region: Region | None) -> Shaped[Tensor, " m p *cells c"]:
    """All channels over a region (that holds the part's own), the unpatched values where nothing was changed.

    The result is a new tensor unless the part already is what is asked for.
    """
    if part.channels is None and part.region == region:
        return part.value
    context = base if region is None else cut(base, region)
    m = len(part.value)
    full = context.expand(m, *context.shape).contiguous() if m > 1 else context.unsqueeze(0).clone()
    paste(full, part, region)
    return full


def paste(into: Shaped[Tensor, " m p *cells c"], part: Part, region: Region | None) -> None:
    """Put the part's values into a tensor that covers `region` with all channels, in place."""
    if part.region is not None:
        assert region is not None
        into = into[:, :, part.region.rows.within(region.rows), part.region.columns.within(region.columns)]
    if part.channels is None:
        into.copy_(part.value)
        return
    shape = (len(part.channels), *[1] * (into.ndim - 2), part.channels.shape[1])
    into.scatter_(-1, part.channels.reshape(shape).expand(part.value.shape), part.value)
