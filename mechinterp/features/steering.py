"""Steering: is there a direction of activations that makes the policy go right on every frame?

At each layer: the mean activation in the states where the policy most prefers right, minus that in those where it
least does (difference of means; Turner et al. 2023, Marks & Tegmark 2023), found on some levels. On others the steering
vector is added and subtracted, and the change of the movement log-odds is measured; as a null, random directions of the
same norm. A direction that meant "right" unconditionally would change every frame the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int64, UInt8
from torch import Tensor

from mechinterp.features.errors import FeatureError
from mechinterp.features.frames import Frames, frame_array
from mechinterp.features.probing import activations
from mechinterp.interventions import Steer, run_each
from mechinterp.policies.actions import movement_logodds
from mechinterp.policies.graph import Policy
from mechinterp.policies.hooks import Names
from mechinterp.policies.readouts import readout_values
from mechinterp.policies.stages import stage_outputs
from mechinterp.stats import Estimate, Null, mean, means

_BATCH = 32
_SETS = 8  # directions in one batch
_FEWEST = 6  # frames without which thirds of them are no basis for a direction


@dataclass(frozen=True, kw_only=True)
class SteeringEffect:
    """What the steering vector "right" of one layer does, on held-out levels.

    Attributes:
        hook: the layer.
        added, subtracted: change of the movement log-odds when the vector is added, or subtracted, in nats; the null
            has random directions of the same norm, over the whole activation.
        consistent: share of frames in which adding raises the log-odds and subtracting lowers them; the null has the
            same share for each of the random directions (of its two signs the one that does so in more frames).
        relative_norm: of the vector, as a share of the mean norm of the activations around their mean.
    """

    hook: str
    added: Estimate
    subtracted: Estimate
    consistent: Estimate
    relative_norm: float

    def __repr__(self) -> str:
        return f"SteeringEffect({self.hook}: added {self.added}, subtracted {self.subtracted})"


def steering_effects(
    policy: Policy,
    choose: tuple[Frames, Int64[np.ndarray, " frames"]],
    report: tuple[Frames, Int64[np.ndarray, " other"]],
    *,
    rng: np.random.Generator,
    hooks: Names = None,
    random: int = 20,
) -> list[SteeringEffect]:
    """Steering vectors from the frames of some levels, tried on the frames of others.

    Args:
        choose, report: frames and the level of each; they share no level.
        hooks: by default those of `stage_outputs`; a single number (the value), which has no directions, is left out.
        random: how many random directions make the null; p is at least 1 / (random + 1), as one side is tested: whether
            adding raises, and subtracting lowers, the log-odds more than they do.

    Raises:
        FeatureError: levels in both parts, fewer than 6 frames to choose on, always the same log-odds there, or
            no hook point that has directions.
    """
    (frames, levels), (others, held) = choose, report
    frames, others, levels, held = frame_array(frames), frame_array(others), np.asarray(levels), np.asarray(held)
    if shared := set(levels.tolist()) & set(held.tolist()):
        raise FeatureError(
            f"steering: {len(shared)} levels both choose the direction and report on it; they must be different levels"
        )
    preference = readout_values(policy, frames)["movement"]
    if len(frames) < _FEWEST or np.ptp(preference) == 0:
        raise FeatureError(
            f"steering: {len(frames)} frames whose log-odds differ by up to {np.ptp(preference):.3g} nats; at least "
            f"{_FEWEST} frames are needed, and log-odds that differ"
        )
    low, high = np.quantile(preference, [1 / 3, 2 / 3])
    more, less = frames[preference >= high], frames[preference <= low]
    unsteered = readout_values(policy, others)["movement"]
    names = policy.select(stage_outputs(policy) if hooks is None else hooks)
    if not (steerable := [name for name in names if policy.shapes[name]]):
        raise FeatureError(f"steering: {', '.join(names)} is a single number, in which there are no directions")
    return [_effect(policy, hook, (more, less), others, held, unsteered, random, rng) for hook in steerable]


def _effect(
    policy: Policy,
    hook: str,
    contrast: tuple[UInt8[np.ndarray, "more 64 64 3"], UInt8[np.ndarray, "less 64 64 3"]],
    frames: UInt8[np.ndarray, "frames 64 64 3"],
    levels: Int64[np.ndarray, " frames"],
    unsteered: Float64[np.ndarray, " frames"],
    random: int,
    rng: np.random.Generator,
) -> SteeringEffect:
    up, down = (torch.from_numpy(np.ascontiguousarray(activations(policy, part, hook, _BATCH))) for part in contrast)
    vector = up.mean(0) - down.mean(0)
    norm = float(vector.norm())
    around = torch.cat([up, down])
    typical = float((around - around.mean(0)).flatten(1).norm(dim=1).mean())
    change = _steered(policy, hook, frames, [vector, -vector]) - unsteered[:, None]
    some = np.arange(len(frames))[:: max(1, len(frames) // 64)]
    noise = [torch.from_numpy(rng.normal(size=tuple(vector.shape))).to(vector) for _ in range(random)]
    noise = [one * (norm / one.norm()) for one in noise]
    drawn = _steered(policy, hook, frames[some], [sign * one for sign in (1.0, -1.0) for one in noise])
    plus, minus = np.split(drawn - unsteered[some, None], 2, axis=1)
    draws = plus.mean(0)
    either = np.maximum(((plus > 0) & (minus < 0)).mean(0), ((plus < 0) & (minus > 0)).mean(0))
    both = (change[:, 0] > 0) & (change[:, 1] < 0)
    names = [f'steering vector "right" at {hook} {what}' for what in ("added", "subtracted", "works both ways")]
    added, subtracted = means(change, names=names[:2], unit="levels", rng=rng, clusters=levels)
    consistent = mean(both, name=names[2], unit="levels", rng=rng, clusters=levels, bounds=(0, 1))
    what = f"{random} random directions of the same norm at {hook}"
    return SteeringEffect(
        hook=hook,
        added=added.against(Null.from_draws(added.value, draws, description=what, side="above")),
        subtracted=subtracted.against(Null.from_draws(subtracted.value, draws, description=what, side="below")),
        consistent=consistent.against(Null.from_draws(consistent.value, either, description=what, side="above")),
        relative_norm=norm / max(typical, 1e-12),
    )


def _steered(
    policy: Policy, hook: str, frames: UInt8[np.ndarray, "frames 64 64 3"], directions: list[Tensor]
) -> Float64[np.ndarray, "frames directions"]:
    """The movement log-odds of each frame with each direction added."""
    sets = [[Steer(hook=hook, direction=direction)] for direction in directions]
    found = []
    for at in range(0, len(frames), _BATCH):
        edited = run_each(policy, torch.from_numpy(frames[at : at + _BATCH]), sets, at_once=_SETS)
        found.append(movement_logodds(edited.logits.double(), policy.actions).numpy().T)
    return np.concatenate(found)
