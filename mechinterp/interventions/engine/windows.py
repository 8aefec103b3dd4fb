"""What layers that slide a window over a map have in common: where a change reaches, and what it is computed from."""

from __future__ import annotations

import torch
from torch import Tensor

from mechinterp.interventions.engine.parts import Part, cut, paste, take
from mechinterp.interventions.engine.regions import Region, influenced, needed, whole
from mechinterp.policies.traits import Window


def reach_of(part: Part, window: Window, out: Tensor) -> tuple[Region, Region] | None:
    """The region of the output that changes, and the cells of the padded input that it is computed from."""
    assert part.region is not None
    region = influenced(part.region, window, whole(*out.shape[1:3]))
    return None if region is None else (region, needed(region, window))


def canvas_of(part: Part, base: Tensor, cells: Region, *, fill: float, all_channels: bool = False) -> Tensor:
    """The patched input over `cells`, with `fill` where these stick out of the map."""
    side = whole(*base.shape[1:3])
    inside = cells.clipped(side)
    channels = None if all_channels else part.channels
    m, p = part.value.shape[:2]
    width = base.shape[-1] if channels is None else channels.shape[1]
    canvas = part.value.new_empty(m, p, cells.rows.size, cells.columns.size, width)
    rows, columns = inside.rows.within(cells.rows), inside.columns.within(cells.columns)
    for beyond in (slice(0, rows.start), slice(rows.stop, None)):
        canvas[:, :, beyond] = fill
    for beyond in (slice(0, columns.start), slice(columns.stop, None)):
        canvas[:, :, :, beyond] = fill
    seen = seen_in(part, cells)
    if seen.region != inside or (all_channels and part.channels is not None):
        canvas[:, :, rows, columns] = take(cut(base, inside), channels)
    paste(canvas, Part(seen.value, seen.region, part.channels if all_channels else None), cells)
    return canvas


def seen_in(part: Part, cells: Region) -> Part:
    """What of the part lies in `cells`: an unpadded layer need not read the last rows and columns of its input."""
    assert part.region is not None
    seen = part.region.clipped(cells)
    own = part.value[:, :, seen.rows.within(part.region.rows), seen.columns.within(part.region.columns)]
    return Part(own, seen, part.channels)


def maximum_along(canvas: Tensor, axis: int, window: Window) -> Tensor:
    """The maximum over a sliding window along one axis (2: rows, 3: columns), without padding.

    One axis after the other, and without the positions of the maxima that torch's own pooling also works out.
    """
    kernel, stride = window.kernel[axis - 2], window.stride[axis - 2]
    count = (canvas.shape[axis] - kernel) // stride + 1
    shifted = [canvas.narrow(axis, i, canvas.shape[axis] - i) for i in range(kernel)]
    before = (slice(None),) * axis
    views = [view[(*before, slice(0, (count - 1) * stride + 1, stride))] for view in shifted]
    result = torch.maximum(views[0], views[1]) if kernel > 1 else views[0].clone()
    for view in views[2:]:
        torch.maximum(result, view, out=result)
    return result
