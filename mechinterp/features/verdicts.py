"""What may be said of a hook point, from what was measured there."""

from __future__ import annotations

from dataclasses import dataclass

from mechinterp.features.coin_channels import ALPHA
from mechinterp.stats import Estimate

VERDICTS = {
    "used": "coin channels, on which an action hangs",
    "direction used": "coin channels, on which no action was shown to hang; one hangs on the layer's coin direction",
    "not connected": "decodable but not connected: coin channels, on which no action hangs",
    "unclear": "coin channels; whether an action hangs on them is unclear",
    "spread, used": "no coin channel shown, but a direction beyond chance, on which an action hangs",
    "spread, not connected": "decodable but not connected: a direction beyond chance, on which no action hangs",
    "spread, unclear": "no coin channel shown, but a direction beyond chance; whether an action hangs on it is unclear",
    "used, not beyond chance": "an action hangs on the coin's direction, which was not shown to tell the coin better "
    "than untrained networks' do",
    "not shown beyond chance": "tells a coin from nothing, but was not shown to do so better than untrained networks",
    "nothing shown": "was not shown to tell a coin from nothing",
    "dead": "dead: no channel ever changes, with a coin or without",
}
"""What may be said of a hook point: a key, and its words.

"An action hangs on it" where an effect was shown that matters (`Use.moves`: beyond the margin, chance and every random
part, corrected for all hook points and parts); "no action hangs on it" where all effects were shown to lie within the
margin (`Use.idle`); else it is unclear. That something was not shown does not mean that it is not there.
"""
HELD = ("used", "direction used", "spread, used")
"""The verdicts that say that an action hangs on what a layer holds of the coin beyond chance."""
BARE = "used, not beyond chance"
"""An action hangs on what a layer holds of the coin, but not beyond chance."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What was measured at a hook point.

    Attributes:
        dead: whether no channel ever changes.
        channels: how many coin channels were confirmed.
        auroc: of the coin's direction, against untrained networks.
        channels_move, direction_moves: the actions that were shown to hang on all coin channels together, and on the
            direction.
        idle: whether it was shown that no action hangs on either.
    """

    dead: bool
    channels: int
    auroc: Estimate
    channels_move: tuple[str, ...]
    direction_moves: tuple[str, ...]
    idle: bool

    @property
    def verdict(self) -> str:
        """One of the keys of `VERDICTS`."""
        if self.dead:
            return "dead"
        if self.channels:
            if self.channels_move:
                return "used"
            return "direction used" if self.direction_moves else "not connected" if self.idle else "unclear"
        if self.beyond_chance:
            kind = "used" if self.direction_moves else "not connected" if self.idle else "unclear"
            return f"spread, {kind}"
        if self.direction_moves:
            return BARE
        return "not shown beyond chance" if self.auroc.low > 0.5 else "nothing shown"

    @property
    def beyond_chance(self) -> bool:
        """Whether the direction was shown to tell the coin better than those of untrained networks do."""
        null = self.auroc.null
        return null is not None and null.p is not None and null.p <= ALPHA and self.auroc.low > 0.5
