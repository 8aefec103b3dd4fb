"""How much of an attribution falls on each kind of thing in the frame, beside how much of it that thing fills."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8

from mechinterp.coinrun import camera
from mechinterp.coinrun.state import GameState
from mechinterp.features.attribution import PIXELS, Attribution, attribute
from mechinterp.features.errors import FeatureError
from mechinterp.policies.controls import untrained
from mechinterp.policies.graph import Policy
from mechinterp.stats import Estimate, Null, means

KINDS = ("coin", "agent", "saw", "enemy", "lava", "crate", "ground")
"""What a pixel may show, the foremost first; what is left is "sky"."""


def things(state: GameState, *, resolution: int = camera.FRAME) -> dict[str, Bool[np.ndarray, "side side"]]:
    """Which pixels show which thing, each pixel one thing; a pixel around the coin's disc is the coin's too."""
    masks = camera.masks(state, resolution=resolution)
    masks["coin"] = masks["coin"] | masks["decoy"]
    left = np.ones((resolution, resolution), bool)
    found = {}
    for kind in KINDS:
        found[kind] = masks[kind] & left
        left &= ~masks[kind]
    return {**found, "sky": left}


def untrained_shares(
    policy: Policy,
    frames: UInt8[np.ndarray, "frames 64 64 3"],
    states: Sequence[GameState],
    *,
    target: str,
    seeds: Iterable[int],
) -> dict[str, Float64[np.ndarray, " networks"]]:
    """The mean share of each thing's pixels in networks with random weights: what falls on it because of its contrast.

    A thing that stands out from the mean frame gets more than its area from any network. The integrals are coarse
    (8 steps), as these networks are nearly linear.
    """
    masks = [things(state) for state in states]
    seen = {kind: np.stack([mask[kind] for mask in masks]) for kind in (*KINDS, "sky")}
    found: dict[str, list[float]] = {kind: [] for kind in seen}
    for seed in seeds:
        network = untrained(policy, seed=seed).requires_grad_(False)
        size = _sizes(attribute(network, frames, target=target, steps=8, tolerance=np.inf))
        for kind, mask in seen.items():
            found[kind].append(float((size * mask).sum((1, 2)).mean()))
    return {kind: np.array(shares) for kind, shares in found.items()}


def attribution_shares(
    attribution: Attribution,
    states: Sequence[GameState],
    levels: Int64[np.ndarray, " frames"],
    *,
    rng: np.random.Generator,
    null: Mapping[str, Float64[np.ndarray, " networks"]] | None = None,
) -> Mapping[str, dict[str, Estimate]]:
    """For each thing: "share" of the attribution (absolute values), "area" of the frame, and "excess", share - area.

    A thing that is in view in fewer than 2 levels is left out.

    Args:
        levels: of each frame.
        null: `untrained_shares`, which the share is then held against.

    Raises:
        FeatureError: an attribution that is not to pixels, or not of as many frames as there are states.
    """
    if attribution.hook != PIXELS or len(attribution.values) != len(states):
        raise FeatureError(
            f"shares: {len(states)} states for {len(attribution.values)} frames attributed to {attribution.hook}; "
            f"attribute as many frames to {PIXELS!r}"
        )
    size = _sizes(attribution)
    masks = [things(state) for state in states]
    found = {}
    for kind in (*KINDS, "sky"):
        seen = np.stack([mask[kind] for mask in masks])
        if len(np.unique(levels[seen.any((1, 2))])) < 2:
            continue
        share, area = (size * seen).sum((1, 2)), seen.mean((1, 2))
        prefix = f"share/{attribution.target}/{kind}"
        names = [f"{prefix}/share", f"{prefix}/area", f"{prefix}/excess"]
        columns = np.column_stack([share, area, share - area])
        made = means(columns, names=names, unit="levels", rng=rng, clusters=levels)
        found[kind] = dict(zip(("share", "area", "excess"), made, strict=True))
        if null is not None:
            words = f"the same in {len(null[kind])} networks with random weights"
            one = found[kind]["share"]
            found[kind]["share"] = one.against(Null.from_draws(one.value, null[kind], description=words))
    return found


def _sizes(attribution: Attribution) -> Float64[np.ndarray, "frames side side"]:
    """Absolute values, summed over colours; those of a frame add up to 1."""
    size = np.abs(attribution.values).sum(1, dtype=np.float64)
    return size / np.maximum(size.sum((1, 2), keepdims=True), 1e-30)
