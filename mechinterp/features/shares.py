"""How much of an attribution falls on each kind of thing in the frame, beside how much of it that thing fills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Int64

from mechinterp.coinrun import camera
from mechinterp.coinrun.state import GameState
from mechinterp.features.attribution import PIXELS, Attribution
from mechinterp.features.errors import FeatureError
from mechinterp.stats import Estimate, means

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


def attribution_shares(
    attribution: Attribution,
    states: Sequence[GameState],
    levels: Int64[np.ndarray, " frames"],
    *,
    rng: np.random.Generator,
) -> Mapping[str, dict[str, Estimate]]:
    """For each thing: "share" of the attribution (absolute values), "area" of the frame, and "excess", share - area.

    A thing that is in view in fewer than 2 levels is left out.

    Raises:
        FeatureError: an attribution that is not to pixels, or not of as many frames as there are states.
    """
    if attribution.hook != PIXELS or len(attribution.values) != len(states):
        raise FeatureError(
            f"shares: {len(states)} states for {len(attribution.values)} frames attributed to {attribution.hook}; "
            f"attribute as many frames to {PIXELS!r}"
        )
    size = np.abs(attribution.values).sum(1)
    size = size / np.maximum(size.sum((1, 2), keepdims=True), 1e-30)
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
        found[kind] = dict(
            zip(
                ("share", "area", "excess"),
                means(columns, names=names, unit="levels", rng=rng, clusters=levels),
                strict=True,
            )
        )
    return found
