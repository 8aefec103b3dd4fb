"""What was found at one hook point, and what it amounts to."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mechinterp.features.ablating import ablate_coin
from mechinterp.features.coin_ablation import SIGNED_ACTING, CoinAblation, Line
from mechinterp.features.coin_channels import CoinChannel
from mechinterp.features.counterfactuals import CounterfactualScenes
from mechinterp.features.directions import Direction
from mechinterp.features.random_parts import RANDOM
from mechinterp.features.responses import ChannelResponses
from mechinterp.features.verdicts import Evidence, Verdict
from mechinterp.policies.graph import Policy


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Finding:
    """What one hook point has to do with the coin, on held-out levels.

    Attributes:
        hook, width, side: the layer, its channels, and cells along a side of its map (0: no map).
        dead: channels with one value everywhere, in all scenes with the coin and without it.
        channels: the coin channels, strongest first.
        direction: the direction that decodes the coin.
        channels_ablated, direction_ablated: effects of replacing all coin channels together, or the direction, by
            coin-absent activations; None where there is nothing to replace.
        later_affects: whether one of a later hook point was shown to affect an action.
    """

    hook: str
    width: int
    side: int
    dead: int
    channels: tuple[CoinChannel, ...]
    direction: Direction
    channels_ablated: CoinAblation | None
    direction_ablated: CoinAblation | None
    later_affects: bool

    def __repr__(self) -> str:
        return f"Finding({self.hook}: {len(self.channels)} coin channels of {self.width}; {self.verdict.value})"

    @property
    def verdict(self) -> Verdict:
        """What may be said of the hook point."""
        both = (self.channels_ablated, self.direction_ablated)
        return Evidence(
            dead=self.dead == self.width,
            channels=len(self.channels),
            decoding=self.direction.auroc,
            below=self.direction.below,
            by_channels=self.channels_ablated.affected if self.channels_ablated is not None else (),
            by_direction=self.direction_ablated.affected if self.direction_ablated is not None else (),
            negligible=not self.later_affects and all(ablation is None or ablation.negligible for ablation in both),
        ).verdict


def findings(
    policy: Policy,
    scenes: CounterfactualScenes,
    report: ChannelResponses,
    channels: list[CoinChannel],
    directions: list[Direction],
    *,
    rng: np.random.Generator,
    random: int = RANDOM,
) -> list[Finding]:
    """Put together what was found at each hook point, after ablating its coin channels and its coin direction.

    Args:
        scenes, report: of the levels on which nothing was chosen.
        random: random sets of channels that are ablated for each, see `ablate_coin`.
    """
    by_hook: dict[str, list[CoinChannel]] = {}
    for found in channels:
        by_hook.setdefault(found.hook, []).append(found)
    sets = {hook: tuple(sorted(c.channel for c in own)) for hook, own in by_hook.items()}
    lines = {d.hook: Line(direction=d.pattern, others=d.others) for d in directions if np.linalg.norm(d.pattern) > 0}
    tests = len(SIGNED_ACTING) * (len(sets) + len(lines))
    of_channels, of_lines = (
        {one.hook: replace(one, tests=tests) for one in ablate_coin(policy, scenes, parts, rng=rng, random=random)}
        for parts in (sets, lines)
    )
    later = {}
    affects = False
    for d in reversed(directions):
        later[d.hook] = affects
        affects |= any(
            one is not None and bool(one.affected) for one in (of_channels.get(d.hook), of_lines.get(d.hook))
        )
    return [
        Finding(
            hook=d.hook,
            width=len(d.pattern),
            side=report.coin.sides[d.hook],
            dead=int(report.coin.dead[d.hook].sum()),
            channels=tuple(by_hook.get(d.hook, ())),
            direction=d,
            channels_ablated=of_channels.get(d.hook),
            direction_ablated=of_lines.get(d.hook),
            later_affects=later[d.hook],
        )
        for d in directions
    ]
