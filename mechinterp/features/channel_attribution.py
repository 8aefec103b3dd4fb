"""Readouts attributed to hidden channels: which of them matter most, and how much falls on coin channels.

At a hook point that all information passes through, integrated gradients along the line from the activation of the
mean frame to that of the frame add up to the change of the readout (`attribution`). Channels are chosen on some
levels, and their attributions are reported on others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64

from mechinterp.features.attribution import attribute_inputs
from mechinterp.features.errors import FeatureError
from mechinterp.features.frames import Frames, frame_array
from mechinterp.policies.graph import Policy
from mechinterp.policies.readouts import READOUTS
from mechinterp.stats import Estimate, means

TOP = 4
"""So many channels of a layer are reported for each readout."""
COVERAGE = 0.8
_STEPS, _MOST_STEPS, _TOLERANCE = 16, 128, 0.05


@dataclass(frozen=True, kw_only=True)
class ChannelAttribution:
    """How one readout is attributed to the channels of one hook point, on held-out levels.

    Attributes:
        readout, hook: what was attributed, and to what.
        channels: those with the largest share on the levels that choose, largest first.
        shares: of each of them, its share of the layer's attribution (absolute values, summed over positions).
        means: of each of them, the mean attribution, with its sign, in the readout's unit.
        needed: how many channels it takes, the largest first, to cover `COVERAGE` of the attribution.
        coin_excess: share of the attribution on the coin channels minus their share of the channels; None without any.
    """

    readout: str
    hook: str
    channels: tuple[int, ...]
    shares: tuple[Estimate, ...]
    means: tuple[Estimate, ...]
    needed: int
    coin_excess: Estimate | None

    def __repr__(self) -> str:
        largest = ", ".join(map(str, self.channels))
        return f"ChannelAttribution({self.readout} to {self.hook}: most to {largest}; {COVERAGE:.0%} in {self.needed})"


@torch.inference_mode(mode=False)
@torch.enable_grad()
def channel_attributions(
    policy: Policy,
    frames: Frames,
    levels: Int64[np.ndarray, " frames"],
    choosing: Int64[np.ndarray, " levels"],
    *,
    rng: np.random.Generator,
    hooks: Sequence[str],
    coin_channels: Mapping[str, Sequence[int]],
) -> tuple[list[ChannelAttribution], dict[str, str]]:
    """Attribute every readout at every hook point.

    Args:
        levels: of each frame; some must be among `choosing`, and at least two others not.
        coin_channels: hook point -> confirmed coin channels.

    Returns:
        The attributions, and why others could not be made: sums that do not add up, or a layer that nothing downstream
        reads.

    Raises:
        FeatureError: levels that leave one of the two parts empty.
    """
    frames, levels = frame_array(frames), np.asarray(levels)
    first = np.isin(levels, choosing)
    if not first.any() or len(np.unique(levels[~first])) < 2:
        raise FeatureError("channel attribution needs frames of levels that choose, and of at least 2 others")
    found: list[ChannelAttribution] = []
    left_out: dict[str, str] = {}
    for hook in hooks:
        coin = np.array(coin_channels.get(hook, ()), np.int64)
        for readout in READOUTS:
            what = f"attribution of {readout} to {hook}"
            try:
                values = attribute_inputs(
                    policy, frames, target=readout, hook=hook, steps=_STEPS, most_steps=_MOST_STEPS,
                    tolerance=_TOLERANCE,
                ).by_channel()  # fmt: skip
            except FeatureError as error:
                left_out[what] = str(error)
                continue
            if not values.any():
                left_out[what] = "it depends on no channel there"
                continue
            found.append(_summary(readout, hook, values, first, levels, coin, rng))
    return found, left_out


def channels_needed(sizes: Float[np.ndarray, " channels"]) -> int:
    """How many of the largest have `COVERAGE` of the sum."""
    total = np.sort(sizes)[::-1].cumsum()
    return int(np.searchsorted(total, COVERAGE * total[-1]) + 1)


def _summary(
    readout: str,
    hook: str,
    values: Float64[np.ndarray, "frames channels"],
    first: Bool[np.ndarray, " frames"],
    levels: Int64[np.ndarray, " frames"],
    coin: Int64[np.ndarray, " coin"],
    rng: np.random.Generator,
) -> ChannelAttribution:
    share = np.abs(values) / np.maximum(np.abs(values).sum(1, keepdims=True), 1e-30)
    top = np.argsort(-share[first].mean(0), kind="stable")[:TOP]
    extra = share[~first][:, coin].sum(1) - len(coin) / values.shape[1]
    columns = np.column_stack([share[~first][:, top], values[~first][:, top], extra])
    words = f"attribution of {readout} to {hook}"
    names = [f"{words}, channel {c}: {what}" for what in ("share", "mean") for c in top.tolist()]
    made = means(
        columns, names=[*names, f"{words}: excess on coin channels"], unit="levels", rng=rng, clusters=levels[~first]
    )
    return ChannelAttribution(
        readout=readout,
        hook=hook,
        channels=tuple(top.tolist()),
        shares=tuple(made[: len(top)]),
        means=tuple(made[len(top) : -1]),
        needed=channels_needed(share[~first].mean(0)),
        coin_excess=made[-1] if len(coin) else None,
    )
