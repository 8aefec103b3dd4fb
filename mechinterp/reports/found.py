"""How sure the coin channels of an atlas are, and whether they answer to the coin or to a patch of its colour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mechinterp.features.coin_channels import ALPHA
from mechinterp.reports.section import Section

MUCH = 0.8
"""Something that only looks like the coin, and gets at least this share of a channel's answer to it, gets much."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """Counts of coin channels.

    Attributes:
        channels: confirmed.
        beyond_all: of them, those that stand out farther than any channel of any layer does in 95 % of untrained
            networks (the corrected p); the others pass the false discovery rate alone.
        square, square_most: those that give a square of the coin's colour at least `MUCH` of their answer to the coin,
            and at least all of it.
        other_colours: those that give a coin in other colours at least `MUCH`.
    """

    channels: int
    beyond_all: int
    square: int
    square_most: int
    other_colours: int

    @classmethod
    def total(cls, layers: Iterable[Found]) -> Found:
        """All layers together."""
        rows = [list(vars(layer).values()) for layer in layers]
        return cls(**dict(zip(cls.__dataclass_fields__, map(sum, zip(*rows, strict=True)), strict=True)))


def found(section: Section) -> dict[str, Found]:
    """The counts at each hook point.

    Args:
        section: the section "atlas".
    """
    rows = section.table("found").records() if "found" in section.tables else []
    counts = {}
    for hook in section.table("layers").column("hook"):
        own = [row for row in rows if row["hook"] == hook]
        nulls = [section[f"channel/{hook}/{row['channel']}"].null for row in own]
        squares = [row["square"] or 0.0 for row in own]
        counts[hook] = Found(
            channels=len(own),
            beyond_all=sum(null is not None and null.p is not None and null.p <= ALPHA for null in nulls),
            square=sum(share >= MUCH for share in squares),
            square_most=sum(share >= 1 for share in squares),
            other_colours=sum((row["other_colours"] or 0.0) >= MUCH for row in own),
        )
    return counts
