"""Attribute every readout to pixels, and to the channels of every hook point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mechinterp.experiments.attribution.result import ChannelShare, LayerAttribution, ObjectShare, Result
from mechinterp.experiments.inputs.localization import localization_data, localization_hooks
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.features.attribution import attribute_inputs
from mechinterp.features.channel_attribution import COVERAGE, ChannelAttribution, channel_attributions
from mechinterp.features.errors import FeatureError
from mechinterp.features.object_shares import object_shares, untrained_object_shares
from mechinterp.policies.readouts import READOUTS

_AGAINST_UNTRAINED = "movement"
"""The readout whose shares are compared with untrained networks: each network costs as much as the policy."""


@dataclass(frozen=True)
class Size:
    """How many frames with a coin are attributed."""

    frames: int


SIZES = Sizes(full=Size(frames=40), quick=Size(frames=16))


class CoinFeatures(Protocol):
    """What is read of the slice `coin_features`."""

    @property
    def coin_channels(self) -> Mapping[str, Sequence[int]]:
        """Hook point -> its confirmed coin channels, strongest first."""
        ...


def measure(context: Context[Size], coin_features: CoinFeatures) -> Result:
    """The same scenes with a coin for pixels and for channels."""
    policy, rng = context.subject.policy, context.rng
    data, hooks = context.inputs(localization_data), context.inputs(localization_hooks)
    scenes = data.scenes
    rows = rng.permutation(len(scenes.coin))[: context.size.frames]
    frames, levels = scenes.coin.clean[rows], scenes.levels[rows]
    with_coin = scenes.coin.states("clean")
    states = [with_coin[row] for row in rows]
    objects: dict[str, dict[str, ObjectShare]] = {}
    left_out: dict[str, str] = {}
    for readout in READOUTS:
        context.tick(f"attributing {readout} to pixels")
        try:
            pixels = attribute_inputs(policy, frames, target=readout, tolerance=0.05, steps=32)
        except FeatureError as error:  # sums that do not add up are reported as such, and not drawn
            left_out[f"attribution of {readout} to pixels"] = str(error)
            continue
        null = None
        if readout == _AGAINST_UNTRAINED:
            null = untrained_object_shares(policy, frames, states, target=readout, seeds=data.seeds)
        shares = object_shares(pixels, states, levels, rng=rng, null=null)
        objects[readout] = {
            kind: ObjectShare(share=own.share, area=own.area, excess=own.excess) for kind, own in shares.items()
        }
    context.tick("attributing to channels")
    found, failed = channel_attributions(
        policy, frames, levels, data.choosing, rng=rng, hooks=hooks, coin_channels=coin_features.coin_channels
    )
    layers: dict[str, dict[str, LayerAttribution]] = {}
    for one in found:
        layers.setdefault(one.readout, {})[one.hook] = _layer(one)
    return Result(
        objects=objects, layers=layers, coverage=COVERAGE, frames=len(frames), left_out={**left_out, **failed}
    )


def _layer(one: ChannelAttribution) -> LayerAttribution:
    own = zip(one.channels, one.shares, one.means, strict=True)
    return LayerAttribution(
        channels={channel: ChannelShare(share=share, mean=mean) for channel, share, mean in own},
        needed=one.needed,
        coin_excess=one.coin_excess,
    )
