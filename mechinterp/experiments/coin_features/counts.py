"""How certain the coin channels are, and whether they respond to the coin or to a patch of its colour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mechinterp.experiments.coin_features.result import CoinChannel, Layer, Result
from mechinterp.features.coin_channels import ALPHA
from mechinterp.features.counterfactuals import LOOKS

MUCH = 0.8
"""The share of its response to the coin from which on a channel responds much to what only looks like one."""
SQUARE, RECOLOURED = LOOKS


@dataclass(frozen=True, kw_only=True)
class ChannelCounts:
    """Counts of coin channels.

    Attributes:
        confirmed: all.
        exceed_maximum: of them, those beyond the maximum over all channels of untrained networks (FWER 5 %); the others
            pass the false discovery rate alone.
        square, square_all: those that respond to a square of the coin's colour at least `MUCH`, and at least as
            strongly, as to the coin.
        other_colours: those that respond to a blue coin (red and blue exchanged) at least `MUCH`.
    """

    confirmed: int
    exceed_maximum: int
    square: int
    square_all: int
    other_colours: int


def counts(layer: Layer) -> ChannelCounts:
    """Counts of one layer."""
    return _counts(layer.channels.values())


def total(result: Result) -> ChannelCounts:
    """Counts over all layers."""
    return _counts(one for layer in result.layers.values() for one in layer.channels.values())


def _counts(channels: Iterable[CoinChannel]) -> ChannelCounts:
    channels = list(channels)
    nulls = [one.contrast.null for one in channels]
    squares = [one.share.get(SQUARE, 0.0) for one in channels]
    return ChannelCounts(
        confirmed=len(channels),
        exceed_maximum=sum(null is not None and null.p is not None and null.p <= ALPHA for null in nulls),
        square=sum(share >= MUCH for share in squares),
        square_all=sum(share >= 1 for share in squares),
        other_colours=sum(one.share.get(RECOLOURED, 0.0) >= MUCH for one in channels),
    )
