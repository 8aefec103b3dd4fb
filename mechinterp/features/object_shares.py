"""How much of an attribution to pixels falls on each kind of object, and how much of the frame that object fills."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from mechinterp.coinrun import camera
from mechinterp.coinrun.state import GameState
from mechinterp.features.attribution import PIXELS, InputAttribution, attribute_inputs
from mechinterp.features.errors import FeatureError
from mechinterp.features.frames import Frames
from mechinterp.policies.controls import untrained
from mechinterp.policies.graph import Policy
from mechinterp.policies.readouts import ReadoutLike
from mechinterp.stats import Estimate, Null, means

KINDS = ("coin", "agent", "saw", "enemy", "lava", "crate", "ground")
"""Kinds of object, the foremost first: what covers another counts."""
BACKGROUND = "background"
"""Pixels that show no object."""


@dataclass(frozen=True, kw_only=True)
class ObjectShare:
    """How much of an attribution falls on one kind of object.

    Attributes:
        share: of the absolute attribution of a frame, 0 to 1; its null, where it has one, has untrained networks.
        area: the share of the frame that the object fills.
        excess: share minus area.
    """

    share: Estimate
    area: Estimate
    excess: Estimate

    def __repr__(self) -> str:
        return f"ObjectShare(share {self.share}, area {self.area.value:.3g})"


def object_masks(state: GameState, *, resolution: int = camera.FRAME) -> dict[str, Bool[np.ndarray, "side side"]]:
    """Segmentation of the frame: which pixels show which of `KINDS`, and `BACKGROUND`; each pixel is one of them.

    A pixel around the coin's disc is the coin's too, and so are those of its picture, which looks the same.
    """
    masks = camera.masks(state, resolution=resolution)
    masks["coin"] = masks["coin"] | masks["decoy"]
    left = np.ones((resolution, resolution), bool)
    found = {}
    for kind in KINDS:
        found[kind] = masks[kind] & left
        left &= ~masks[kind]
    return {**found, BACKGROUND: left}


def object_shares(
    attribution: InputAttribution,
    states: Sequence[GameState],
    levels: Int64[np.ndarray, " frames"],
    *,
    rng: np.random.Generator,
    null: Mapping[str, Float64[np.ndarray, " networks"]] | None = None,
) -> dict[str, ObjectShare]:
    """The share of each kind of object that is in view in at least 2 levels.

    Args:
        attribution: to pixels.
        states, levels: of each frame.
        null: `untrained_object_shares`, as the null of the shares.

    Raises:
        FeatureError: an attribution that is not to pixels, or not of as many frames as there are states.
    """
    if attribution.hook != PIXELS or len(attribution) != len(states):
        raise FeatureError(
            f"shares: {len(states)} states for {len(attribution)} frames attributed to {attribution.hook}; "
            f"attribute as many frames to {PIXELS!r}"
        )
    size, levels = _normalised(attribution), np.asarray(levels)
    found = {}
    for kind, seen in _stacked(states).items():
        if len(np.unique(levels[seen.any((1, 2))])) < 2:
            continue
        share, area = (size * seen).sum((1, 2)), seen.mean((1, 2))
        words = f"attribution of {attribution.target} to {kind}"
        names = [f"{words}: share", f"area of {kind}", f"{words}: share minus area"]
        columns = np.column_stack([share, area, share - area])
        own, fills, excess = means(columns, names=names, unit="levels", rng=rng, clusters=levels)
        if null is not None:
            source = f"the same share in {len(null[kind])} untrained networks"
            own = own.against(Null.from_draws(own.value, null[kind], description=source))
        found[kind] = ObjectShare(share=own, area=fills, excess=excess)
    return found


def untrained_object_shares(
    policy: Policy,
    frames: Frames,
    states: Sequence[GameState],
    *,
    target: ReadoutLike,
    seeds: Iterable[int],
) -> dict[str, Float64[np.ndarray, " networks"]]:
    """The mean share of each kind of object in untrained networks: what falls on it because of its contrast.

    An object that stands out from the mean frame gets more than its area from any network. The integrals are coarse
    (8 steps), as these networks are nearly linear.
    """
    masks = _stacked(states)
    found: dict[str, list[float]] = {kind: [] for kind in masks}
    for seed in seeds:
        network = untrained(policy, seed=seed).requires_grad_(False)
        size = _normalised(attribute_inputs(network, frames, target=target, steps=8, tolerance=np.inf))
        for kind, mask in masks.items():
            found[kind].append(float((size * mask).sum((1, 2)).mean()))
    return {kind: np.array(shares) for kind, shares in found.items()}


def _stacked(states: Sequence[GameState]) -> dict[str, Bool[np.ndarray, "frames side side"]]:
    masks = [object_masks(state) for state in states]
    return {kind: np.stack([mask[kind] for mask in masks]) for kind in (*KINDS, BACKGROUND)}


def _normalised(attribution: InputAttribution) -> Float64[np.ndarray, "frames side side"]:
    """Absolute values, summed over colours; those of a frame add up to 1."""
    size = np.abs(attribution.values).sum(1, dtype=np.float64)
    return size / np.maximum(size.sum((1, 2), keepdims=True), 1e-30)
