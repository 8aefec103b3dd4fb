"""What was found at one hook point, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mechinterp.features.coin_channels import CoinChannel
from mechinterp.features.counterfactuals import CounterfactualScenes
from mechinterp.features.directions import Direction
from mechinterp.features.responses import ChannelResponses
from mechinterp.features.uses import ACTS, Use, take_back
from mechinterp.features.verdicts import Evidence
from mechinterp.policies.graph import Policy


@dataclass(frozen=True, eq=False, kw_only=True)
class Finding:
    """What one hook point has to do with the coin, on held-out levels.

    Attributes:
        hook, width, side: the layer, its channels, and cells along a side of its map (0: no map).
        dead: channels with one value everywhere, in all scenes with the coin and without it.
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
        return Evidence(
            dead=self.dead == self.width,
            channels=len(self.channels),
            auroc=self.direction.auroc,
            channels_move=self.by_channels.moved if self.by_channels is not None else (),
            direction_moves=self.by_direction.moved if self.by_direction is not None else (),
            idle=all(use is None or use.idle for use in (self.by_channels, self.by_direction)),
        ).verdict


def findings(
    policy: Policy,
    scenes: CounterfactualScenes,
    report: ChannelResponses,
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
    asked = len(ACTS) * (len(sets) + len(lines))
    of_channels, of_lines = (
        {use.hook: replace(use, asked=asked) for use in take_back(policy, scenes, parts, rng=rng, random=random)}
        for parts in (sets, lines)
    )
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
