"""What patches change at their own hook point."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Shaped
from torch import Tensor

from mechinterp.interventions.engine.parts import Part, changing, cut, take
from mechinterp.interventions.engine.regions import Region, around
from mechinterp.interventions.sites import Site


def parts(
    sites: Sequence[Site],
    base: Shaped[Tensor, " p *cells c"],
    replacement: Shaped[Tensor, " #p *cells c"],
    pairs: slice,
) -> list[tuple[list[int], Part]]:
    """Patches at one hook point, together where they change the same number of channels.

    Args:
        base, replacement: the value there in the run that is patched, and what is put in; maps with the channels last.
        pairs: positions of these pairs in the masks of sites.

    Returns:
        Positions of sites, and what they change. Sites that change nothing are left out.
    """
    alike: dict[int, list[int]] = {}
    for i, site in enumerate(sites):
        alike.setdefault(0 if site.channels is None else len(site.channels), []).append(i)
    made = []
    for members in alike.values():
        part = _part([sites[i] for i in members], base, replacement, pairs)
        kept = [] if part is None else list(range(len(members))) if base.ndim == 1 else changing(part, base)
        if part is not None and kept:
            made.append(([members[i] for i in kept], part.keep(kept)))
    return made


def _part(sites: Sequence[Site], base: Tensor, replacement: Tensor, pairs: slice) -> Part | None:
    m, p = len(sites), len(base)
    if base.ndim == 1:  # a single number
        return Part(replacement.expand(m, p), None, None)
    channels = None
    if sites[0].channels is not None:
        channels = torch.tensor([site.channels for site in sites], device=base.device)
    if base.ndim == 2:
        return Part(take(replacement, channels).expand(m, p, -1), None, channels)
    region = around((base != replacement).any(0).any(-1))
    if region is None:
        return None
    if any(site.positions is not None for site in sites):
        return _placed(sites, base, replacement, channels, region, pairs)
    value = take(cut(replacement, region), channels)
    return Part(value.expand(m, p, *value.shape[2:]), region, channels)


def _placed(
    sites: Sequence[Site], base: Tensor, replacement: Tensor, channels: Tensor | None, region: Region, pairs: slice
) -> Part | None:
    p, height, width = base.shape[:3]
    everywhere = torch.ones(1, height, width, dtype=torch.bool)
    masks = [everywhere if site.positions is None else site.cells(height, width, pairs) for site in sites]
    cells = torch.stack([mask.expand(p, height, width) for mask in masks]).to(base.device)
    named = around(cells.any(0).any(0))
    assert named is not None
    region = region.clipped(named)
    if min(region.rows.size, region.columns.size) <= 0:
        return None
    inside = cells[:, :, region.rows.slice, region.columns.slice].unsqueeze(-1)
    new, old = take(cut(replacement, region), channels), take(cut(base, region), channels)
    return Part(torch.where(inside, new, old), region, channels, owned=True)
