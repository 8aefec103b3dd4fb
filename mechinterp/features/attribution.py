"""Attribution of a readout to the pixels of a frame, or to the activations of a hidden layer; through captum.

Methods (f is the readout, b the baseline):

"integrated gradients"  the gradient along the straight line from b to the frame (Sundararajan et al. 2017). At a hidden
                        hook point the line is drawn in that activation. Complete: adds up to f(frame) - f(b).
"conductance"           integrated gradients from b to the frame, as they flow through a hidden layer (Dhamdhere et al.
                        2018). Complete where all information passes through the layer.
"gradient x activation" the first-order part of f at the frame (Shrikumar et al. 2016). Not complete.
"occlusion"             f(frame) - f(frame with a part replaced by b): a window of pixels, or a hidden channel (Zeiler &
                        Fergus 2014). Exact for each part by itself; not complete.

Completeness is checked for every frame, and a frame that fails is integrated again with more steps.

DeepLift, LRP and guided backpropagation are left out: captum's rules for them do not hold on residual networks. On
these networks DeepLift's sums missed the change of the output by more than the change itself (107 to 169 %), without a
warning, and the other two go through the same code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64, UInt8
from torch import Tensor

from mechinterp.errors import nearest
from mechinterp.features.attribution_methods import METHODS, Method
from mechinterp.features.errors import FeatureError
from mechinterp.features.frames import Frames, as_array, frame_array
from mechinterp.policies.errors import PolicyError, UnknownHook
from mechinterp.policies.graph import Policy
from mechinterp.policies.readouts import ReadoutLike, as_readout

PIXELS = "hook_input"
MOST_STEPS = 512
Baseline: TypeAlias = Frames | UInt8[np.ndarray, "64 64 3"] | UInt8[Tensor, "64 64 3"] | Literal["mean", "black"]


@dataclass(frozen=True, eq=False, kw_only=True)
class InputAttribution:
    """Attributions of one readout to one layer, for many frames.

    Attributes:
        method, target, hook: what was attributed to what, and how.
        values: in the readout's unit.
        change: what the values of each frame should add up to, f(frame) - f(baseline); None for methods that are not
            complete.
        steps: of the integral, for each frame (0 where there is none).
    """

    method: str
    target: str
    hook: str
    values: Float32[np.ndarray, "frames channels *position"]
    change: Float64[np.ndarray, " frames"] | None
    steps: Int64[np.ndarray, " frames"]

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.values.shape))
        return f"InputAttribution({self.target} to {self.hook} by {self.method}, {shape})"

    @property
    def convergence_delta(self) -> Float64[np.ndarray, " frames"]:
        """Sum of the values minus `change`, in the readout's unit.

        Raises:
            FeatureError: a method that is not complete.
        """
        if self.change is None:
            raise FeatureError(f"{self.method} at {self.hook} is not complete: its values add up to nothing")
        return self.values.reshape(len(self.values), -1).sum(1, dtype=np.float64) - self.change

    def by_channel(self) -> Float64[np.ndarray, "frames channels"]:
        """Summed over positions."""
        return self.values.reshape(*self.values.shape[:2], -1).sum(2, dtype=np.float64)


@torch.inference_mode(mode=False)
@torch.enable_grad()
def attribute_inputs(
    policy: Policy,
    frames: Frames,
    *,
    method: str = "integrated gradients",
    target: ReadoutLike = "movement",
    hook: str = PIXELS,
    baseline: Baseline = "mean",
    steps: int = 32,
    most_steps: int = MOST_STEPS,
    tolerance: float = 0.02,
    window: int = 5,
    batch: int = 16,
) -> InputAttribution:
    """Attribute a readout to the values at a hook point.

    Args:
        method: one of `attribution_methods.METHODS`; see above.
        target: a name in `READOUTS`, an action such as "action:right+jump", or any function of (logits, value).
        hook: where; the default is the pixels (each colour by itself, in captum's sense of the 0 to 1 image).
        baseline: the mean of the frames, a black frame, one frame, or one for each (with the corrupted side of minimal
            pairs only what differs is attributed anything).
        steps: of the integral, to begin with; doubled up to `most_steps` for frames whose sum is off.
        tolerance: how far a sum may be off, as a share of `InputAttribution.change`, or of its median over all frames
            where that is larger.
        window: side of the occluding square, in pixels.
        batch: frames at a time; an integral runs this many times its steps, in parts of 256.

    Raises:
        UnknownHook: no such hook point.
        FeatureError: an unknown method or target, one that does not fit the hook, frames or baseline of another shape,
            or sums that are still off with `most_steps` steps.

    >>> from mechinterp.policies import build, light_impala
    >>> policy = build(light_impala(), seed=0)
    >>> frames = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    >>> attribute_inputs(policy, frames, target="action:right+jump", baseline="black")
    InputAttribution(action:right+jump to hook_input by integrated gradients, 2 x 3 x 64 x 64)
    >>> attribute_inputs(policy, frames, method="occlusion", hook="hidden.hook_post").by_channel().shape
    (2, 256)
    """
    if method not in METHODS:
        raise FeatureError(f"unknown method {method!r}{nearest(str(method), METHODS)}")
    try:
        readout = as_readout(target)
    except PolicyError as error:
        raise FeatureError(f"target: {error}") from error
    if not isinstance(hook, str) or hook not in policy.hook_names:
        raise UnknownHook([str(hook)], policy.hook_names)
    pictures = frame_array(frames)
    images = _images(policy, pictures)
    against = _images(policy, _baseline(pictures, baseline)).expand_as(images)

    def read(batch: Tensor, start: str = PIXELS) -> Tensor:
        return readout(policy(start_at=start, values={start: batch}), policy.actions)

    run = Method(policy, read, hook, method, window)
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
    return InputAttribution(method=method, target=readout.name, hook=hook, values=values, change=change, steps=taken)


def _baseline(frames: np.ndarray, baseline: Baseline) -> np.ndarray:
    if isinstance(baseline, str):
        if baseline == "mean":
            return frames.mean(0, keepdims=True).round().astype(np.uint8)
        if baseline == "black":
            return np.zeros_like(frames[:1])
        raise FeatureError(f"baseline must be 'mean', 'black' or frames, got {baseline!r}")
    against = as_array(baseline)
    if against.shape not in (frames.shape, frames.shape[1:]):
        raise FeatureError(f"baseline must be one frame or one for each, got shape {list(against.shape)}")
    return frame_array(against if against.ndim == 4 else against[None], name="baseline")


def _images(policy: Policy, frames: UInt8[np.ndarray, "frames 64 64 3"]) -> Tensor:
    return policy.activations(torch.tensor(frames, device=next(policy.parameters()).device), PIXELS)
