"""What may be said of a hook point, from what was measured there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mechinterp.features.coin_channels import ALPHA
from mechinterp.stats import Estimate


class Verdict(StrEnum):
    """What may be said of a hook point. That something was not shown does not mean that it is not there.

    "Used": a causal effect on an action was shown, signed, unsigned or as a divergence (`CoinAblation.affects`: larger
    than the margin and than that of every other part, and beyond chance). "Not used": all of these were shown to be
    equivalent to zero within their margins (`CoinAblation.negligible`). Otherwise the use is unclear. "Discarded": the
    layer holds less of the coin than untrained networks do.
    """

    CHANNELS_USED = "coin channels, used"
    CHANNELS_DIRECTION_USED = "coin channels, direction used"
    CHANNELS_UNUSED = "coin channels, not used"
    CHANNELS_UNCLEAR = "coin channels, use unclear"
    DIRECTION_USED = "coin direction, used"
    DIRECTION_UNUSED = "coin direction, not used"
    DIRECTION_UNCLEAR = "coin direction, use unclear"
    USED_WITHIN_NULL = "used, within the null"
    USED_DISCARDED = "used, mostly discarded"
    DISCARDED = "discarded"
    WITHIN_NULL = "within the null"
    NOT_DECODABLE = "not shown decodable"
    DEAD = "dead"

    @property
    def words(self) -> str:
        """The verdict as a clause."""
        return _WORDS[self]

    @property
    def has_channels(self) -> bool:
        """Whether coin channels were confirmed."""
        return self in (
            Verdict.CHANNELS_USED,
            Verdict.CHANNELS_DIRECTION_USED,
            Verdict.CHANNELS_UNUSED,
            Verdict.CHANNELS_UNCLEAR,
        )

    @property
    def direction_alone(self) -> bool:
        """Whether no channel, but a direction exceeds untrained networks."""
        return self in (Verdict.DIRECTION_USED, Verdict.DIRECTION_UNUSED, Verdict.DIRECTION_UNCLEAR)

    @property
    def used(self) -> bool:
        """Whether a representation of the coin that exceeds untrained networks causally affects an action."""
        return self in (Verdict.CHANNELS_USED, Verdict.CHANNELS_DIRECTION_USED, Verdict.DIRECTION_USED)


_WORDS = {
    Verdict.CHANNELS_USED: "coin channels, which causally affect the action",
    Verdict.CHANNELS_DIRECTION_USED: "coin channels, for which no causal effect was shown; the layer's coin direction "
    "causally affects the action",
    Verdict.CHANNELS_UNUSED: "coin channels, decodable but not causally used",
    Verdict.CHANNELS_UNCLEAR: "coin channels; whether they causally affect the action is unclear",
    Verdict.DIRECTION_USED: "no coin channel was confirmed, but a direction exceeds untrained networks and causally "
    "affects the action",
    Verdict.DIRECTION_UNUSED: "no coin channel was confirmed; a direction exceeds untrained networks, decodable but "
    "not causally used",
    Verdict.DIRECTION_UNCLEAR: "no coin channel was confirmed; a direction exceeds untrained networks, and whether it "
    "causally affects the action is unclear",
    Verdict.USED_WITHIN_NULL: "the coin direction causally affects the action, but was not shown to decode the coin "
    "better than untrained networks do",
    Verdict.USED_DISCARDED: "holds less of the coin than untrained networks do, and what it holds causally affects the "
    "action",
    Verdict.DISCARDED: "holds less of the coin than untrained networks do",
    Verdict.WITHIN_NULL: "the coin is decodable, but was not shown to be more so than from untrained networks",
    Verdict.NOT_DECODABLE: "the coin was not shown to be decodable",
    Verdict.DEAD: "dead: no channel ever changes, with a coin or without",
}


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What was measured at a hook point.

    Attributes:
        dead: whether no channel ever changes.
        channels: how many coin channels were confirmed.
        decoding: AUROC of the coin direction, with untrained networks as the null.
        below: corrected p of an AUROC below those of untrained networks.
        by_channels, by_direction: the quantities by which a causal effect of all coin channels together, and of the
            direction, was shown.
        negligible: whether both were shown to have no effect on any action beyond the margins, and so was every later
            hook point: what comes later came through here, if by paths that cancel.
    """

    dead: bool
    channels: int
    decoding: Estimate
    below: float
    by_channels: tuple[str, ...]
    by_direction: tuple[str, ...]
    negligible: bool

    @property
    def verdict(self) -> Verdict:
        """What it amounts to."""
        if self.dead:
            return Verdict.DEAD
        if self.channels:
            if self.by_channels:
                return Verdict.CHANNELS_USED
            if self.by_direction:
                return Verdict.CHANNELS_DIRECTION_USED
            return Verdict.CHANNELS_UNUSED if self.negligible else Verdict.CHANNELS_UNCLEAR
        if self.exceeds_untrained:
            if self.by_direction:
                return Verdict.DIRECTION_USED
            return Verdict.DIRECTION_UNUSED if self.negligible else Verdict.DIRECTION_UNCLEAR
        if self.discarded:
            return Verdict.USED_DISCARDED if self.by_direction else Verdict.DISCARDED
        if self.by_direction:
            return Verdict.USED_WITHIN_NULL
        return Verdict.WITHIN_NULL if self.decoding.low > 0.5 else Verdict.NOT_DECODABLE

    @property
    def exceeds_untrained(self) -> bool:
        """Whether the direction decodes the coin better than those of untrained networks do (FWER 5 %)."""
        null = self.decoding.null
        return null is not None and null.p is not None and null.p <= ALPHA and self.decoding.low > 0.5

    @property
    def discarded(self) -> bool:
        """Whether the direction decodes the coin worse than those of untrained networks do (FWER 5 %)."""
        return self.below <= ALPHA
