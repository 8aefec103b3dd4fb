"""How much `locate` measures."""

from __future__ import annotations

from dataclasses import dataclass

from mechinterp.features.errors import FeatureError

CHOOSE = 0.4
"""The share of levels that choose; the others are reported on."""
LEAST = 36
"""Levels: 60 % of them must be at least the 20 that an interval of an AUROC needs, and some have no room for a coin."""


@dataclass(frozen=True)
class LocatePlan:
    """How much to measure.

    Attributes:
        levels: played for scenes; at least `LEAST`.
        states: kept of each.
        pairs: most scenes with a coin.
        untrained: networks that make the null; with fewer than 20 no channel can be confirmed.
        random: random parts beside each part that is taken back.
        steered: random directions that make the null of steering; with fewer than 20 no p can come down to 0.05.
        attributed: frames whose attribution is computed.
        steps: of training the sparse autoencoder.
    """

    levels: int = 70
    states: int = 3
    pairs: int = 280
    untrained: int = 20
    random: int = 8
    steered: int = 20
    attributed: int = 40
    steps: int = 600

    def __post_init__(self) -> None:
        if self.levels < LEAST:
            raise FeatureError(f"levels: {self.levels}; at least {LEAST} are needed for the intervals, n counts levels")
        if self.untrained < 2:
            raise FeatureError(f"untrained: {self.untrained}; a null needs at least 2 networks, and 20 to reach 5 %")

    @classmethod
    def quick(cls, *, levels: int = 40) -> LocatePlan:
        """A first look: wide intervals. The null stays whole, as fewer networks could confirm nothing."""
        return cls(levels=levels, states=2, pairs=100, random=4, attributed=16, steps=200)
