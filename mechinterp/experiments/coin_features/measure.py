"""Search every layer for the coin, and ablate what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8

from mechinterp.coinrun.scenes import MinimalPairs
from mechinterp.experiments.coin_features.result import Ablation, Cloud, CoinChannel, Layer, Place, Result, TopFrames
from mechinterp.experiments.inputs.examples import examples
from mechinterp.experiments.inputs.localization import (
    LocalizationData,
    channel_responses,
    localization_data,
    untrained_responses,
)
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.features.ablating import coin_effects
from mechinterp.features.changes import ACTING
from mechinterp.features.coin_ablation import CoinAblation
from mechinterp.features.coin_channels import find_coin_channels
from mechinterp.features.contrasting import Channel
from mechinterp.features.directions import coin_directions
from mechinterp.features.findings import Finding, findings
from mechinterp.features.random_parts import RANDOM
from mechinterp.features.responses import ChannelResponses, NullResponses
from mechinterp.features.whereabouts import Whereabouts, whereabouts
from mechinterp.policies.graph import Policy

EXAMPLES, DRAWN, FRAMES = 2, 4, 6
"""Examples and channels that are drawn, and frames of each channel in which it is largest."""
_CLOUD = 400  # so many channels of untrained networks are drawn for each layer
_BATCH = 64


@dataclass(frozen=True)
class Size:
    """How much is measured beyond what the shared inputs decide.

    Attributes:
        random: random sets of channels that are ablated for each part.
    """

    random: int = RANDOM


SIZES = Sizes(full=Size(), quick=Size())


def measure(context: Context[Size]) -> Result:
    """Choose channels and directions on some levels; confirm and ablate them on the others."""
    inputs, rng, policy = context.inputs, context.rng, context.subject.policy
    data, own, null = inputs(localization_data), inputs(channel_responses), inputs(untrained_responses)
    context.tick("choosing and confirming channels")
    choose, choose_null = own.of_levels(data.choosing), null.of_levels(data.choosing)
    report, report_null = own.of_levels(data.held), null.of_levels(data.held)
    channels = find_coin_channels(choose, choose_null, report, report_null, rng=rng)
    directions = coin_directions(choose, report, choose_null, report_null, rng=rng)
    context.tick("ablating what was found")
    scenes = data.held_scenes
    effects = coin_effects(policy, scenes, rng=rng)
    found = findings(policy, scenes, report, channels, directions, rng=rng, random=context.size.random)
    confirmed = [(one.hook, one.channel) for finding in found for one in finding.channels]
    places = {(place.hook, place.channel): place for place in whereabouts(policy, scenes, confirmed, rng=rng)}
    context.tick("maps and frames")
    drawn = _drawn(found, choose)
    return Result(
        effects=effects,
        layers={one.hook: _layer(one, places, _cloud(one.hook, report, report_null)) for one in found},
        decoy_difference=data.scenes.decoy_difference,
        scenes=len(data.scenes.coin),
        choosing=len(data.choosing),
        held_out=len(data.held),
        untrained=len(null),
        random=context.size.random,
        examples=examples(policy, _spread(scenes.coin, EXAMPLES), drawn) if drawn else None,
        top_frames=_top_frames(policy, data, drawn) if drawn else (),
    )


def _layer(finding: Finding, places: Mapping[Channel, Whereabouts], cloud: Cloud) -> Layer:
    return Layer(
        width=finding.width,
        side=finding.side,
        dead=finding.dead,
        decoding=finding.direction.auroc,
        below=finding.direction.below,
        channels={
            one.channel: CoinChannel(
                contrast=one.contrast,
                selective=one.selective,
                q=one.q,
                share=one.share,
                place=_place(places.get((one.hook, one.channel))),
            )
            for one in finding.channels
        },
        channels_ablated=_ablation(finding.channels_ablated),
        direction_ablated=_ablation(finding.direction_ablated),
        later_affects=finding.later_affects,
        cloud=cloud,
    )


def _place(place: Whereabouts | None) -> Place | None:
    return None if place is None else Place(right=place.right, below=place.below, around=place.around)


def _ablation(ablation: CoinAblation | None) -> Ablation | None:
    if ablation is None:
        return None
    return Ablation(
        effects=ablation.effects,
        affected=ablation.affected,
        ranks={name: ablation.rank(name) for name in ACTING},
        exceeded_by=ablation.exceeded_by,
        each=ablation.each,
    )


def _cloud(hook: str, own: ChannelResponses, null: NullResponses) -> Cloud:
    def points(responses: ChannelResponses) -> Float[np.ndarray, "channels 2"]:
        return np.stack([responses.coin.effect(hook), responses.selective(hook)], 1).astype(np.float32)

    everyone = np.concatenate([points(network) for network in null.networks])
    return Cloud(policy=points(own), untrained=everyone[:: max(1, len(everyone) // _CLOUD)])


def _drawn(found: Sequence[Finding], choose: ChannelResponses) -> list[Channel]:
    """The coin channels with the strongest selective contrasts that have maps; if there are none, the best candidates,
    on the levels used for choosing.
    """
    confirmed = [one for finding in found for one in finding.channels if finding.side]
    if confirmed:
        best = sorted(confirmed, key=lambda one: -abs(one.selective))
        return [(one.hook, one.channel) for one in best[:DRAWN]]
    maps = [finding.hook for finding in found if finding.side]
    far = [(abs(v), hook, c) for hook in maps for c, v in enumerate(choose.selective(hook).tolist())]
    return [(hook, channel) for _, hook, channel in sorted(far, reverse=True)[:DRAWN]]


def _spread(pairs: MinimalPairs, count: int) -> MinimalPairs:
    """So many pairs, evenly spread over all."""
    return pairs.select(np.linspace(0, len(pairs) - 1, count).round().astype(int))


def _top_frames(policy: Policy, data: LocalizationData, channels: Sequence[Channel]) -> tuple[TopFrames, ...]:
    held = data.held_scenes.coin
    frames = np.concatenate([data.frames, held.clean])
    largest = {hook: _largest(policy, frames, hook) for hook in dict.fromkeys(hook for hook, _ in channels)}
    top = {(hook, c): torch.from_numpy(largest[hook][:, c]).topk(FRAMES).indices.numpy() for hook, c in channels}
    return tuple(TopFrames(hook=hook, channel=c, frames=frames[rows]) for (hook, c), rows in top.items())


@torch.no_grad()
def _largest(
    policy: Policy, frames: UInt8[np.ndarray, "frames 64 64 3"], hook: str
) -> Float[np.ndarray, "frames channels"]:
    """The largest activation of each channel in each frame."""
    parts = [torch.from_numpy(np.ascontiguousarray(frames[i : i + _BATCH])) for i in range(0, len(frames), _BATCH)]
    return np.concatenate([policy.activations(part, hook).amax((2, 3)).cpu().numpy() for part in parts])
