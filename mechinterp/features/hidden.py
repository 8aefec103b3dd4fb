"""What the policy says, attributed to hidden channels: which of them carry it, and how much falls on coin channels.

At every hook point that all information passes through, integrated gradients along the line from the activation of
the mean frame to that of the frame add up to the change of the readout (`attribution`). Channels are chosen on some
levels, and their attributions are reported on others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from mechinterp.features.attribution import attribute
from mechinterp.features.errors import FeatureError
from mechinterp.policies.graph import Policy
from mechinterp.policies.readouts import READOUTS
from mechinterp.stats import Estimate, means

TOP = 4
"""So many channels of a layer are named for each readout."""
MOST = 0.8
_STEPS, _MOST_STEPS, _TOLERANCE = 16, 128, 0.05


@dataclass(frozen=True, kw_only=True)
class Carried:
    """How one readout is attributed to the channels of one hook point, on held-out levels.

    Attributes:
        readout, hook: what was attributed, and to what.
        channels: which got most on the levels that choose, strongest first.
        shares: of each of them, its share of the layer's attribution (absolute values, summed over places).
        signed: of each of them, the mean attribution, in the readout's unit.
        needed: how many channels it takes, the largest first, to have `MOST` of the mean absolute attribution.
        on_coin: share of the attribution on the coin channels minus their share of the channels; None without any.
    """

    readout: str
    hook: str
    channels: tuple[int, ...]
    shares: tuple[Estimate, ...]
    signed: tuple[Estimate, ...]
    needed: int
    on_coin: Estimate | None


def carried(
    policy: Policy,
    frames: UInt8[np.ndarray, "frames 64 64 3"],
    levels: Int64[np.ndarray, " frames"],
    choosing: Int64[np.ndarray, " levels"],
    *,
    rng: np.random.Generator,
    hooks: Sequence[str],
    coin_channels: Mapping[str, Sequence[int]],
) -> tuple[list[Carried], dict[str, str]]:
    """Attribute every readout at every hook point.

    Args:
        levels: of each frame; some must be among `choosing`, and at least two others not.
        coin_channels: hook point -> confirmed coin channels.

    Returns:
        What each readout is made of at each hook point, and, why an attribution could not be
        made: sums that do not add up, or a layer that nothing downstream reads.

    Raises:
        FeatureError: levels that leave one of the two parts empty.
    """
    first = np.isin(levels, choosing)
    if not first.any() or len(np.unique(levels[~first])) < 2:
        raise FeatureError("hidden attribution needs frames of levels that choose, and of at least 2 others")
    found: list[Carried] = []
    failed: dict[str, str] = {}
    for hook in hooks:
        coin = np.array(coin_channels.get(hook, ()), np.int64)
        for readout in READOUTS:
            try:
                values = attribute(
                    policy,
                    frames,
                    target=readout,
                    hook=hook,
                    steps=_STEPS,
                    most_steps=_MOST_STEPS,
                    tolerance=_TOLERANCE,
                ).by_channel()
            except FeatureError as error:
                failed[f"attribution of {readout} to {hook}"] = str(error)
                continue
            size = np.abs(values)
            if not size.any():
                failed[f"attribution of {readout} to {hook}"] = "it hangs on no channel there"
                continue
            found.append(_carried(readout, hook, values, first, levels, coin, rng))
    return found, failed


def _carried(
    readout: str,
    hook: str,
    values: Float64[np.ndarray, "frames channels"],
    first: np.ndarray,
    levels: Int64[np.ndarray, " frames"],
    coin: Int64[np.ndarray, " coin"],
    rng: np.random.Generator,
) -> Carried:
    share = np.abs(values) / np.maximum(np.abs(values).sum(1, keepdims=True), 1e-30)
    top = np.argsort(-share[first].mean(0), kind="stable")[:TOP]
    extra = share[~first][:, coin].sum(1) - len(coin) / values.shape[1]
    columns = np.column_stack([share[~first][:, top], values[~first][:, top], extra])
    prefix = f"hidden/{readout}/{hook}"
    names = [f"{prefix}/{c}/{what}" for what in ("share", "signed") for c in top.tolist()]
    made = means(columns, names=[*names, f"{prefix}/coin"], unit="levels", rng=rng, clusters=levels[~first])
    mean = np.sort(share[~first].mean(0))[::-1].cumsum()
    return Carried(
        readout=readout,
        hook=hook,
        channels=tuple(top.tolist()),
        shares=tuple(made[: len(top)]),
        signed=tuple(made[len(top) : -1]),
        needed=int(np.searchsorted(mean, MOST * mean[-1]) + 1),
        on_coin=made[-1] if len(coin) else None,
    )
