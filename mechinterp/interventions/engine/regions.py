"""Which cells of a layer's output can change when some of its input's do, and which input cells that takes."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Bool
from torch import Tensor

from mechinterp.policies.traits import Window

WHOLE = 0.75
"""A region of more than this share of a map is widened to the whole map: pasting into context would cost more."""


class Span(NamedTuple):
    """Positions from `first` up to, not including, `stop`, along one axis."""

    first: int
    stop: int

    @property
    def size(self) -> int:
        return self.stop - self.first

    @property
    def slice(self) -> slice:
        return slice(self.first, self.stop)

    def within(self, outer: Span) -> slice:
        """As positions counted from the start of `outer`."""
        return slice(self.first - outer.first, self.stop - outer.first)


class Region(NamedTuple):
    """A rectangle of cells."""

    rows: Span
    columns: Span

    @property
    def area(self) -> int:
        return self.rows.size * self.columns.size

    def __or__(self, other: Region) -> Region:  # type: ignore[override]
        """The smallest rectangle that holds both."""
        return Region(*(Span(min(a.first, b.first), max(a.stop, b.stop)) for a, b in zip(self, other, strict=True)))

    def clipped(self, side: Region) -> Region:
        """The part inside `side`."""
        return Region(*(Span(max(a.first, b.first), min(a.stop, b.stop)) for a, b in zip(self, side, strict=True)))


def whole(height: int, width: int) -> Region:
    return Region(Span(0, height), Span(0, width))


def around(changed: Bool[Tensor, "height width"]) -> Region | None:
    """The smallest rectangle that holds every True, or None if there is none."""
    spans = []
    for axis in (1, 0):
        hit = changed.any(axis).nonzero()
        if not len(hit):
            return None
        spans.append(Span(int(hit[0]), int(hit[-1]) + 1))
    return Region(*spans)


def influenced(region: Region, window: Window, out: Region) -> Region | None:
    """The cells of the output map `out` that a change inside `region` of the input reaches.

    Widened to the whole of `out` where it is most of it; None where no window reads a changed cell.
    """
    spans = []
    for span, k, s, p, limit in zip(region, *window[:3], out, strict=True):
        first = -((span.first + p - k + 1) // -s)  # the first window that reaches span.first, rounded up
        last = (span.stop - 1 + p) // s
        spans.append(Span(max(0, first), min(limit.stop, last + 1)))
    if any(span.size <= 0 for span in spans):
        return None
    reached = Region(*spans)
    return out if reached.area > WHOLE * out.area else reached


def needed(region: Region, window: Window) -> Region:
    """The input cells that the output's `region` is computed from; it may stick out of the map into the padding."""
    return Region(
        *(
            Span(span.first * s - p, (span.stop - 1) * s - p + k)
            for span, k, s, p in zip(region, *window[:3], strict=True)
        )
    )
