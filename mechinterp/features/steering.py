"""Is there a direction that means "right" whatever is seen?

At each layer: the mean activation in the states where the policy most wants to go right, minus that in those where it
least does (difference of means; Turner et al. 2023, Marks & Tegmark 2023), found on some levels. On others it is added
and taken away, and the movement log-odds change; as a null, random directions of the same length. Were it "right"
whatever is seen, every frame would change the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int64, UInt8

from mechinterp.features.errors import FeatureError
from mechinterp.interventions import Steer, run_each
from mechinterp.policies.actions import movement_logodds
from mechinterp.policies.graph import Policy
from mechinterp.policies.hooks import Names
from mechinterp.policies.readouts import readout_values
from mechinterp.policies.stages import stage_outputs
from mechinterp.stats import Estimate, Null, means, widened

_BATCH = 32
_SETS = 8  # directions in one batch


@dataclass(frozen=True, kw_only=True)
class Steering:
    """The "right" direction of one layer, on held-out levels.

    Attributes:
        hook: the layer.
        added, removed: change of the movement log-odds when the direction is added, or taken away, in nats; the null
            has random directions of the same length, over the whole activation.
        both_ways: share of frames in which adding raises the log-odds and taking away lowers them; the null has the
            same share for each of the random directions (of its two signs the one that does so in more frames).
        length: of the direction, as a share of the mean length of the activations around their mean.
    """

    hook: str
    added: Estimate
    removed: Estimate
    both_ways: Estimate
    length: float


def right_directions(
    policy: Policy,
    choose: tuple[UInt8[np.ndarray, "frames 64 64 3"], Int64[np.ndarray, " frames"]],
    report: tuple[UInt8[np.ndarray, "other 64 64 3"], Int64[np.ndarray, " other"]],
    *,
    rng: np.random.Generator,
    hooks: Names = None,
    random: int = 20,
) -> list[Steering]:
    """Directions from the frames of some levels, tried on the frames of others.

    Args:
        choose, report: frames and the level of each; they share no level.
        hooks: by default those of `stage_outputs`.
        random: how many random directions make the null; p is at least 1 / (random + 1), as one side
            is asked: whether adding raises, and taking away lowers, more than these do.

    Raises:
        FeatureError: levels in both parts, fewer than 6 frames to choose on, or always the same log-odds there.
    """
    (frames, levels), (others, held) = choose, report
    if set(levels.tolist()) & set(held.tolist()):
        raise FeatureError("steering: the levels that choose the direction and those that try it must differ")
    wants = readout_values(policy, frames)["movement"]
    if len(frames) < 6 or np.ptp(wants) == 0:
        raise FeatureError(f"steering: {len(frames)} frames with log-odds that spread over {np.ptp(wants):.3g} nats")
    low, high = np.quantile(wants, [1 / 3, 2 / 3])
    more, less = frames[wants >= high], frames[wants <= low]
    plain = readout_values(policy, others)["movement"]
    names = policy.select(stage_outputs(policy) if hooks is None else hooks)
    return [_steer(policy, hook, more, less, others, held, plain, random, rng) for hook in names]


def _steer(
    policy: Policy,
    hook: str,
    more: np.ndarray,
    less: np.ndarray,
    frames: np.ndarray,
    levels: np.ndarray,
    plain: Float64[np.ndarray, " frames"],
    random: int,
    rng: np.random.Generator,
) -> Steering:
    up, down = (_activations(policy, part, hook) for part in (more, less))
    direction = up.mean(0) - down.mean(0)
    norm = float(direction.norm())
    around = torch.cat([up, down])
    length = norm / max(float((around - around.mean(0)).flatten(1).norm(dim=1).mean()), 1e-12)
    own = _changed(policy, hook, frames, [direction, -direction]) - plain[:, None]
    some = np.arange(len(frames))[:: max(1, len(frames) // 64)]
    noise = [torch.from_numpy(rng.normal(size=tuple(direction.shape))).to(direction) for _ in range(random)]
    noise = [one * (norm / one.norm()) for one in noise]
    drawn = _changed(policy, hook, frames[some], [sign * one for sign in (1.0, -1.0) for one in noise])
    up_by, down_by = np.split(drawn - plain[some, None], 2, axis=1)
    draws = up_by.mean(0)
    either = np.maximum(((up_by > 0) & (down_by < 0)).mean(0), ((up_by < 0) & (down_by > 0)).mean(0))
    table = np.column_stack([own, (own[:, 0] > 0) & (own[:, 1] < 0)])
    words = [f"steer/{hook}/{what}" for what in ("added", "removed", "both ways")]
    added, removed, both = means(table, names=words, unit="levels", rng=rng, clusters=levels)
    both = widened(both)
    what = f"{random} random directions of the same length at {hook}"
    return Steering(
        hook=hook,
        added=added.against(Null.from_draws(added.value, draws, description=what, side="above")),
        removed=removed.against(Null.from_draws(removed.value, draws, description=what, side="below")),
        both_ways=both.against(Null.from_draws(both.value, either, description=what, side="above")),
        length=length,
    )


def _activations(policy: Policy, frames: np.ndarray, hook: str) -> torch.Tensor:
    parts = [torch.from_numpy(frames[at : at + _BATCH]) for at in range(0, len(frames), _BATCH)]
    return torch.cat([policy.activations(part, hook)[hook] for part in parts])


def _changed(
    policy: Policy, hook: str, frames: np.ndarray, directions: list[torch.Tensor]
) -> Float64[np.ndarray, "frames directions"]:
    """The movement log-odds of each frame with each direction added."""
    sets = [[Steer(hook=hook, direction=direction)] for direction in directions]
    found = []
    for at in range(0, len(frames), _BATCH):
        edited = run_each(policy, torch.from_numpy(frames[at : at + _BATCH]), sets, at_once=_SETS)
        found.append(movement_logodds(edited.logits.double(), policy.actions).numpy().T)
    return np.concatenate(found)
