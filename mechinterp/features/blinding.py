"""Blinding a layer to an object: the part of it that changes with the object, and the edits that take it away.

A perfect blinding makes a frame with the object what the frame without it is, and leaves the latter as it is. How far
an edit is from that, in nats of the movement log-odds, chooses the layer, on levels of their own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from torch import Tensor

from mechinterp.coinrun.state import GameState
from mechinterp.errors import nearest
from mechinterp.features.errors import FeatureError
from mechinterp.interventions import Ablate, Edit, ProjectOut, run_each
from mechinterp.policies.actions import movement_logodds
from mechinterp.policies.graph import Policy

Way = Literal["channels", "direction"]
SHARE = 0.25
"""The share of a layer's channels that are ablated."""
_BATCH = 64
Frames = UInt8[np.ndarray, "pairs 64 64 3"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Blinding:
    """How one layer is blinded to one object.

    Attributes:
        thing: the object.
        hook: the layer.
        way: "channels": those that change most with the object are set, cell by cell, to their mean over frames without
            it (mean ablation). "direction": the mean change over channels is projected out at every cell.
        channels: a quarter of the layer's, those whose change is largest in units of their spread.
        direction: the mean change over channels that the object makes, summed over cells.
        absent: the layer's activations without the object.
        distance: from a perfect blinding on the pairs it was found on, in nats; see `distance`.
    """

    thing: str
    hook: str
    way: Way
    channels: tuple[int, ...]
    direction: Float[Tensor, " channels"]
    absent: Float[Tensor, "pairs channels side side"] = field(compare=False)
    distance: float = float("nan")

    def __repr__(self) -> str:
        return f"Blinding({self.thing}, {self.hook} by {self.way}: {self.distance:.3g} nats from perfect)"

    @property
    def edit(self) -> Edit:
        """The edit that blinds."""
        if self.way == "direction":
            return ProjectOut(self.hook, direction=self.direction)
        return self._ablation(self.channels)

    def random(self, rng: np.random.Generator) -> Edit:
        """The same to as many channels drawn at random, or along a direction drawn at random."""
        if self.way == "direction":
            return ProjectOut(self.hook, direction=torch.from_numpy(rng.normal(size=len(self.direction))).float())
        return self._ablation(tuple(sorted(rng.permutation(len(self.direction))[: len(self.channels)].tolist())))

    def _ablation(self, channels: Sequence[int]) -> Ablate:
        return Ablate(self.hook, channels, mode="mean", reference=self._mean)

    @cached_property
    def _mean(self) -> Tensor:
        return self.absent.mean(0, keepdim=True)


def blinding(
    policy: Policy, present: Frames, absent: Frames, *, thing: str, hooks: Sequence[str], way: Way
) -> Blinding:
    """Of these layers, the blinding that comes nearest to a perfect one.

    Args:
        present, absent: frames with and without the object, in pairs.
        hooks: layers; those without maps are left out.
        way: see `Blinding`.

    Raises:
        FeatureError: an unknown way, no layer with maps, or none that changes with the object.
    """
    if way not in get_args(Way):
        raise FeatureError(f"way: {way!r}{nearest(str(way), get_args(Way))}")
    found = []
    for hook in (hook for hook in hooks if len(policy.shapes[hook]) == 3):
        one = _located(policy, present, absent, thing, hook, way)
        if one is not None:
            off = distance(policy, one.edit, present, absent).mean()
            found.append(dataclasses.replace(one, distance=float(off)))
    if not found:
        raise FeatureError(
            f"{thing}: none of {', '.join(hooks)} has maps that change with it; choose other hook points"
        )
    return min(found, key=lambda one: one.distance)


def distance(policy: Policy, edit: Edit | None, present: Frames, absent: Frames) -> Float64[np.ndarray, " pairs"]:
    """How far an edit is from a perfect blinding: |m(present, edited) - m(absent)| + |m(absent, edited) - m(absent)|,
    with m the movement log-odds, in nats. Without an edit, the size of the object's own effect.
    """
    plain, edited = movement(policy, absent, [()])[0], () if edit is None else (edit,)
    (seen,), (unseen,) = (movement(policy, frames, [edited]) for frames in (present, absent))
    return np.abs(seen - plain) + np.abs(unseen - plain)


def movement(
    policy: Policy,
    frames: UInt8[np.ndarray, "rows 64 64 3"],
    sets: Sequence[Sequence[Edit]],
    *,
    at_once: int = 16,
    states: Sequence[GameState] | None = None,
) -> Float64[np.ndarray, "sets rows"]:
    """The movement log-odds of every frame under every set of edits, in nats; arguments as of `run_each`."""
    parts = []
    for at in range(0, len(frames), _BATCH):
        batch = torch.from_numpy(np.ascontiguousarray(frames[at : at + _BATCH]))
        games = None if states is None else states[at : at + _BATCH]
        logits = run_each(policy, batch, sets, at_once=at_once, states=games).logits.double()
        parts.append(movement_logodds(logits.flatten(0, 1), policy.actions).unflatten(0, logits.shape[:2]).numpy())
    return np.concatenate(parts, 1)


@torch.no_grad()
def layer_values(policy: Policy, frames: UInt8[np.ndarray, "rows 64 64 3"], hook: str) -> Float[Tensor, " rows *shape"]:
    """The activations of one layer on all frames."""
    parts = [torch.from_numpy(np.ascontiguousarray(frames[at : at + _BATCH])) for at in range(0, len(frames), _BATCH)]
    return torch.cat([policy.activations(part, hook) for part in parts])


def _located(policy: Policy, present: Frames, absent: Frames, thing: str, hook: str, way: Way) -> Blinding | None:
    without = layer_values(policy, absent, hook)
    change = layer_values(policy, present, hook) - without
    direction = change.sum((2, 3)).mean(0)
    if not bool((direction != 0).any()):
        return None
    size = change.abs().amax((2, 3)).mean(0) / without.std((0, 2, 3)).clamp(min=1e-6)
    count = max(1, round(SHARE * len(size)))
    channels = tuple(sorted(size.argsort(descending=True)[:count].tolist()))
    return Blinding(thing=thing, hook=hook, way=way, channels=channels, direction=direction, absent=without)
