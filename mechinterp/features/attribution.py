"""How much each pixel, or each value of a hidden layer, has to do with what the policy says; through captum.

Methods (f is the readout that is attributed; b the baseline):

"integrated gradients"  gradient along the straight line from b to the frame (Sundararajan et al. 2017). At a hidden
                        hook point the line is drawn in that activation. Adds up to f(frame) - f(b).
"conductance"           integrated gradients from b to the frame, as they flow through a hidden layer (Dhamdhere et al.
                        2018). Adds up to f(frame) - f(b) where all information passes through the layer.
"gradient x activation" the first-order part of f at the frame (Shrikumar et al. 2016). Adds up to nothing.
"occlusion"             f(frame) - f(frame with a part replaced by b): a window of pixels, or a hidden channel (Zeiler &
                        Fergus 2014). Exact for each part by itself; adds up to nothing.

What ought to add up is checked for every frame, and a frame whose sum is off is done again with more steps.

DeepLift, LRP and guided backpropagation are left out: captum's rules for them do not hold on residual networks. On
these networks DeepLift's sums missed the change of the output by more than the change itself (107 to 169 %), without a
warning, and the other two go through the same code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float32, Float64, UInt8
from torch import Tensor

from mechinterp.errors import nearest
from mechinterp.features import methods
from mechinterp.features.errors import FeatureError
from mechinterp.policies.errors import PolicyError, UnknownHook
from mechinterp.policies.graph import Policy
from mechinterp.policies.readouts import ReadoutLike, as_readout

PIXELS = "hook_input"
MOST_STEPS = 512


@dataclass(frozen=True, eq=False, kw_only=True)
class Attribution:
    """Attributions of one number to one layer, for many frames.

    Attributes:
        method, target, hook: what was attributed to what, and how.
        values: in the target's unit.
        change: what the values of each frame ought to add up to; None for methods where that is nothing.
        steps: of the integral, for each frame (0 where there is none).
    """

    method: str
    target: str
    hook: str
    values: Float32[np.ndarray, "frames channels *place"]
    change: Float64[np.ndarray, " frames"] | None
    steps: np.ndarray

    @property
    def error(self) -> Float64[np.ndarray, " frames"]:
        """Sum of the values minus `change`, in the target's unit.

        Raises:
            FeatureError: for a method that adds up to nothing.
        """
        if self.change is None:
            raise FeatureError(f"{self.method} at {self.hook} is not made to add up to anything")
        return self.values.reshape(len(self.values), -1).sum(1, dtype=np.float64) - self.change

    def by_channel(self) -> Float64[np.ndarray, "frames channels"]:
        """Summed over places."""
        return self.values.reshape(*self.values.shape[:2], -1).sum(2, dtype=np.float64)


def attribute(
    policy: Policy,
    frames: UInt8[np.ndarray, "frames 64 64 3"],
    *,
    method: str = "integrated gradients",
    target: ReadoutLike = "movement",
    hook: str = PIXELS,
    baseline: UInt8[np.ndarray, "*frames 64 64 3"] | Literal["mean", "black"] = "mean",
    steps: int = 32,
    most_steps: int = MOST_STEPS,
    tolerance: float = 0.02,
    window: int = 5,
    batch: int = 16,
) -> Attribution:
    """Attribute a number to the values at a hook point.

    Args:
        method: one of `methods.METHODS`; see above.
        target: a name out of `READOUTS`, ``action:NAME``, or any function of (logits, value); see `as_readout`.
        hook: where; the default is the pixels (each colour by itself, in captum's sense of the 0 to 1 image).
        baseline: what stands for "nothing there": the mean of the frames, a black frame, one frame, or one for each
            (the corrupted side of minimal pairs: then only what differs gets anything).
        steps: of the integral, to begin with; doubled up to `most_steps` for frames whose sum is off.
        tolerance: how far a sum may be off, as a share of the change of the target, or of the median change of all
            frames where that is larger.
        window: side of the occluding square, in pixels.
        batch: frames at a time; an integral runs this many times its steps, in parts of 256.

    Raises:
        UnknownHook: no such hook point.
        FeatureError: an unknown method or target, one that does not fit the hook, frames or baseline of another shape,
            or sums that are still off with `most_steps` steps.
    """
    if method not in methods.METHODS:
        raise FeatureError(f"unknown method {method!r}{nearest(method, methods.METHODS)}")
    try:
        readout = as_readout(target)
    except PolicyError as error:
        raise FeatureError(f"target: {error}") from error
    if hook not in policy.hook_names:
        raise UnknownHook([hook], policy.hook_names)
    images = _images(policy, frames, "frames")
    against = _images(policy, _baseline(frames, baseline), "baseline").expand_as(images)

    def read(batch: Tensor, start: str = PIXELS) -> Tensor:
        return readout(policy(start_at=start, values={start: batch}), policy.actions)

    run = methods.Method(policy, read, hook, method, window)
    taken = np.full(len(images), steps if run.integrates else 0)
    values = run(images, against, steps, batch)
    change = run.change(images, against, batch)
    while change is not None:
        off = np.abs(values.reshape(len(values), -1).sum(1, dtype=np.float64) - change)
        wrong = np.flatnonzero(off > tolerance * np.maximum(np.abs(change), np.median(np.abs(change))) + 1e-5)
        if not len(wrong):
            break
        steps *= 2
        if steps > most_steps:
            raise FeatureError(
                f"{method} at {hook} does not add up in {len(wrong)} of {len(images)} frames: off by up to "
                f"{off.max():.3g} where {readout.name} changes by {np.median(np.abs(change)):.3g} (median); give a "
                "larger tolerance, or another baseline"
            )
        values[wrong] = run(images[wrong], against[wrong], steps, batch)
        taken[wrong] = steps
    return Attribution(method=method, target=readout.name, hook=hook, values=values, change=change, steps=taken)


def _baseline(frames: np.ndarray, baseline: np.ndarray | str) -> np.ndarray:
    if isinstance(baseline, np.ndarray):
        if baseline.shape not in (frames.shape, frames.shape[1:]):
            raise FeatureError(f"baseline must be one frame or one for each, got shape {list(baseline.shape)}")
        return baseline if baseline.ndim == 4 else baseline[None]
    if baseline == "mean":
        return frames.mean(0, keepdims=True).round().astype(np.uint8)
    if baseline == "black":
        return np.zeros_like(frames[:1])
    raise FeatureError(f"baseline must be 'mean', 'black' or frames, got {baseline!r}")


def _images(policy: Policy, frames: np.ndarray, name: str) -> Tensor:
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[1:] != (64, 64, 3) or not len(frames):
        raise FeatureError(f"{name} must be uint8 [frames, 64, 64, 3], got {frames.dtype} {list(frames.shape)}")
    return policy.activations(torch.tensor(frames, device=next(policy.parameters()).device), PIXELS)[PIXELS]
