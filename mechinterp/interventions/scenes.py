"""Activations of other scenes, to put in: those of one frame, or what an object adds around the place where it is."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mechinterp.coinrun.edits import remove_coin
from mechinterp.coinrun.levels import StatesLike, as_states
from mechinterp.coinrun.scenes import render
from mechinterp.interventions.edits import Patch
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.moments import as_moments
from mechinterp.interventions.places import AtObject, Place
from mechinterp.interventions.positions import Positions
from mechinterp.policies.errors import UnknownHook
from mechinterp.policies.subject import PolicyLike, as_policy

_BATCH = 128


def patch_from(
    subject: PolicyLike,
    scene: StatesLike,
    hook: str,
    channels: int | Sequence[int] | None = None,
    positions: Positions | None = None,
) -> Patch:
    """The edit that puts in the activation of another scene (or of several, one for each row of a batch).

    Raises:
        UnknownHook: no such hook point.
    """
    return Patch(hook, channels, positions, replacement=_activations(subject, scene, hook))


def object_template(
    subject: PolicyLike,
    hook: str,
    present: StatesLike,
    absent: StatesLike,
    *,
    at: Place,
    radius: int = 1,
) -> Float[Tensor, "channels side side"]:
    """What an object adds to a layer around its place: the mean difference of activations with it and without it.

    Args:
        hook: a layer with maps.
        present, absent: the same scenes with and without the object.
        at: where it is, in the scenes with it: ``AtObject("coin")``. Scenes in which that is not one cell whose whole
            window lies in the map are left out.
        radius: of the window, in cells of the map: its side is ``2 * radius + 1``.

    Raises:
        UnknownHook: no such hook point.
        InterventionError: no maps there, not as many scenes with as without, or no scene that can be used.
    """
    with_it, without = as_states(present), as_states(absent)
    if len(with_it) != len(without):
        raise InterventionError(f"{len(with_it)} scenes with the object and {len(without)} without; they are pairs")
    difference = _activations(subject, with_it, hook) - _activations(subject, without, hook)
    if difference.ndim != 4:
        raise InterventionError(f"{hook} is no feature map, so an object has no place in it")
    side = difference.shape[2]
    windows = []
    for row, moment in enumerate(as_moments(with_it) or ()):
        centres = set(at.centres(moment, side))
        if len(centres) == 1:
            y, x = centres.pop()
            if radius <= min(y, x) and max(y, x) < side - radius:
                windows.append(difference[row, :, y - radius : y + radius + 1, x - radius : x + radius + 1])
    if not windows:
        raise InterventionError(
            f"in none of {len(with_it)} scenes is a window of radius {radius} {at} whole; give more"
        )
    return torch.stack(windows).mean(0)


def coin_template(
    subject: PolicyLike, hook: str, states: StatesLike, *, radius: int = 1
) -> Float[Tensor, "channels side side"]:
    """`object_template` of the coin: of states with one coin, and the same with the coin taken out.

    Raises:
        UnknownHook, InterventionError: see `object_template`.
    """
    single = [state for state in as_states(states) if len(state.coins) == 1]
    bare = [remove_coin(state) for state in single]
    return object_template(subject, hook, single, bare, at=AtObject("coin"), radius=radius)


@torch.no_grad()
def _activations(subject: PolicyLike, states: StatesLike, hook: str) -> Float[Tensor, " states *shape"]:
    policy = as_policy(subject)
    if hook not in policy.hook_names:
        raise UnknownHook([hook], policy.hook_names)
    frames = torch.from_numpy(render(states))
    if not len(frames):
        raise InterventionError("no scenes were given")
    device = next(policy.parameters()).device
    parts = [policy.activations(frames[at : at + _BATCH].to(device), hook) for at in range(0, len(frames), _BATCH)]
    return torch.cat(parts)
