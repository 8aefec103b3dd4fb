"""What was found at one hook point, and the few words that it comes to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mechinterp.features.answers import Answers
from mechinterp.features.coin_channels import ALPHA, CoinChannel
from mechinterp.features.directions import Direction
from mechinterp.features.scenery import Scenery
from mechinterp.features.uses import Use, take_back
from mechinterp.policies.graph import Policy

VERDICTS = {
    "used": "coin channels, on which an action hangs",
    "direction used": "coin channels, on which no action was shown to hang; one hangs on the layer's coin direction",
    "not connected": "decodable but not connected: coin channels, on which no action hangs",
    "unclear": "coin channels; whether an action hangs on them is unclear",
    "spread, used": "no coin channel, but a direction beyond chance, on which an action hangs",
    "spread, not connected": "decodable but not connected: a direction beyond chance, on which no action hangs",
    "spread, unclear": "no coin channel, but a direction beyond chance; whether an action hangs on it is unclear",
    "no more than chance": "tells a coin from nothing, no better than untrained networks do",
    "nothing": "no trace of the coin",
    "dead": "dead: no channel ever changes",
}
"""What may be said of a hook point: a key, and its words.

"An action hangs on it" where an effect was shown that matters (`Use.moves`: beyond the margin, chance and every random
part); "no action hangs on it" where all effects were shown to lie within the margin (`Use.idle`); else it is unclear.
"""
HELD = ("used", "direction used", "spread, used")
"""The verdicts that say that an action hangs on what a layer holds of the coin beyond chance."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Finding:
    """What one hook point has to do with the coin, on held-out levels.

    Attributes:
        hook, width, side: the layer, its channels, and cells along a side of its map (0: no map).
        dead: channels with one value everywhere in every scene.
        channels: the coin channels, strongest first.
        direction: what tells the coin from an empty place.
        by_channels, by_direction: what taking all coin channels together, or the direction, back changes; None where
            there is nothing to take back.
    """

    hook: str
    width: int
    side: int
    dead: int
    channels: tuple[CoinChannel, ...]
    direction: Direction
    by_channels: Use | None
    by_direction: Use | None

    @property
    def verdict(self) -> str:
        """One of the keys of `VERDICTS`."""
        if self.dead == self.width:
            return "dead"
        if self.channels:
            if self.by_channels is not None and self.by_channels.moved:
                return "used"
            if self.by_direction is not None and self.by_direction.moved:
                return "direction used"
            return "not connected" if self._idle else "unclear"
        area = self.direction.auroc
        if area.null is not None and area.null.p is not None and area.null.p <= ALPHA and area.low > 0.5:
            if self.by_direction is not None and self.by_direction.moved:
                return "spread, used"
            return "spread, not connected" if self._idle else "spread, unclear"
        return "no more than chance" if area.low > 0.5 else "nothing"

    @property
    def _idle(self) -> bool:
        return all(use is None or use.idle for use in (self.by_channels, self.by_direction))


def findings(
    policy: Policy,
    scenes: Scenery,
    report: Answers,
    channels: list[CoinChannel],
    directions: list[Direction],
    *,
    rng: np.random.Generator,
    random: int = 8,
) -> list[Finding]:
    """Put together what was found at each hook point, after taking back its channels and its direction.

    Args:
        scenes, report: of the levels that chose nothing.
        random: random parts beside each, see `uses.take_back`.
    """
    by_hook: dict[str, list[CoinChannel]] = {}
    for found in channels:
        by_hook.setdefault(found.hook, []).append(found)
    sets = {hook: tuple(sorted(c.channel for c in own)) for hook, own in by_hook.items()}
    lines = {d.hook: d.pattern for d in directions if np.linalg.norm(d.pattern) > 0}
    of_channels = {use.hook: use for use in take_back(policy, scenes, sets, rng=rng, random=random)}
    of_lines = {use.hook: use for use in take_back(policy, scenes, lines, rng=rng, random=random)}
    return [
        Finding(
            hook=d.hook,
            width=len(d.pattern),
            side=report.coin.sides[d.hook],
            dead=int(report.coin.dead[d.hook].sum()),
            channels=tuple(by_hook.get(d.hook, ())),
            direction=d,
            by_channels=of_channels.get(d.hook),
            by_direction=of_lines.get(d.hook),
        )
        for d in directions
    ]
