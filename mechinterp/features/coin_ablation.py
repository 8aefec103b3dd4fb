"""What ablating a part of a layer shows about the causal use of what it holds of the coin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64

from mechinterp.features.changes import ACTING, MOVEMENT_BY_SIDE, QUANTITIES, equivalent_to_zero
from mechinterp.features.errors import FeatureError
from mechinterp.stats import Estimate

SIGNED_ACTING = tuple(name for name in ACTING if QUANTITIES[name].signed)
UNSIGNED_ACTING = tuple(name for name in ACTING if not QUANTITIES[name].signed)
_ALPHA = 0.05


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Line:
    """A direction over channels, and what it is compared with.

    Attributes:
        direction: over channels, of any norm.
        others: other object -> the mean change that it makes.
    """

    direction: Float64[np.ndarray, " channels"]
    others: Mapping[str, Float64[np.ndarray, " channels"]]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class CoinAblation:
    """What replacing a part of a layer by its coin-absent activations does to the outputs.

    Attributes:
        hook: the layer.
        channels: which channels were replaced; None where it was the coin direction.
        effects: by name of `changes.QUANTITIES`, the mean over pairs, with the coin minus with the part replaced; the
            null of signed ones is a mean of 0.
        own: the same mean over the scenes on which the part is compared with others.
        others: the same for each other part (none, where the part is the whole layer).
        labels: what the other parts are.
        each: of several channels, each by itself: its unsigned effects and divergence. Opposite effects of two
            channels cancel where both are replaced.
        each_other: the largest of these of channels that are no coin channels.
        tests: how many signed effects on actions were tested, over all parts and hook points: p is corrected for them.
    """

    hook: str
    channels: tuple[int, ...] | None
    effects: dict[str, Estimate]
    own: dict[str, float]
    others: dict[str, tuple[float, ...]]
    labels: tuple[str, ...]
    each: dict[int, dict[str, Estimate]] = field(default_factory=dict)
    each_other: dict[str, float] = field(default_factory=dict)
    tests: int = len(SIGNED_ACTING)

    def __repr__(self) -> str:
        part = "direction" if self.channels is None else f"{len(self.channels)} channels"
        return f"CoinAblation({self.hook}, {part}: {MOVEMENT_BY_SIDE} {self.effects[MOVEMENT_BY_SIDE]})"

    def affects(self, name: str) -> bool:
        """Whether a causal effect was shown by this quantity, and one that matters.

        It must exceed that of every other part. A signed one must also exceed its margin, its interval must exclude 0,
        and its p must be at most 0.05 divided by the number of tests (Bonferroni); of an unsigned one
        or a divergence, which are never below 0, the whole interval must exceed the margin.
        """
        estimate, quantity = self.effects[name], QUANTITIES[name]
        if quantity.margin is None or self.rank(name) > 1 / (1 + len(self.others[name])):
            return False
        if not quantity.signed:
            return estimate.low > quantity.margin
        p = estimate.null.p if estimate.null is not None else None
        if p is None:
            raise FeatureError(f"{estimate.name}: it was not tested against 0")
        return p <= largest_p(self.tests) and estimate.excludes(0) and abs(estimate.value) > quantity.margin

    def rank(self, name: str) -> float:
        """The rank p of the effect's size among those of the other parts: (1 + those that reach it) / (1 + all)."""
        own, others = abs(self.own[name]), np.abs(np.array(self.others[name]))
        return float((1 + (others >= own * (1 - 1e-6)).sum()) / (1 + len(others)))

    @property
    def affected(self) -> tuple[str, ...]:
        """The quantities (of `changes.ACTING`) by which a causal effect was shown, of the part or of one channel."""
        singles = [f"channel {c}: {name}" for c in self.each for name in UNSIGNED_ACTING if self.affects_alone(c, name)]
        return (*(name for name in ACTING if self.affects(name)), *singles)

    def affects_alone(self, channel: int, name: str) -> bool:
        """Whether one of several channels has an effect by itself: its whole interval exceeds the margin, and its value
        that of every channel of the layer that is no coin channel.
        """
        estimate, margin = self.each[channel][name], QUANTITIES[name].margin
        assert margin is not None
        return estimate.low > margin and estimate.value > self.each_other.get(name, 0.0)

    @property
    def exceeded_by(self) -> dict[str, str]:
        """Quantity -> the other part whose effect is largest, where it is as large as the part's own."""
        found = {}
        for name in ACTING:
            if self.others[name] and self.rank(name) > 1 / (1 + len(self.others[name])):
                found[name] = self.labels[int(np.abs(self.others[name]).argmax())]
        return found

    @property
    def negligible(self) -> bool:
        """Whether all effects on actions were shown to be equivalent to zero within their margins, also of each channel
        by itself.
        """
        return all(equivalent_to_zero(effects) for effects in (self.effects, *self.each.values()))


def largest_p(tests: int) -> float:
    """The largest p that shows one effect among so many tests (Bonferroni)."""
    return _ALPHA / tests
