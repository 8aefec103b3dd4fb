"""What chooses actions in a rollout: a policy, or a fixed rule to compare it with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float64, Int64, UInt8

from mechinterp.policies.actions import NAMES
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.frames import frame_array
from mechinterp.policies.graph import Policy, network_words

RIGHT, RIGHT_JUMP = 7, 8
BATCH = 16
"""Frames per forward pass, always: padding the last batch keeps a frame's logits the same to the last bit, whatever the
number of environments around it."""


class Actor(Protocol):
    """Chooses one Procgen action for each frame.

    All chance comes in as ``uniform``, one number in [0, 1) for each frame, so that an episode does not depend on the
    episodes that run at the same time.

    Raises:
        PolicyError: frames that are none, or not one number in [0, 1) for each.
    """

    def __call__(
        self, frames: UInt8[np.ndarray, "batch 64 64 3"], uniform: Float64[np.ndarray, " batch"]
    ) -> Int64[np.ndarray, " batch"]: ...


@dataclass(frozen=True)
class PolicyActor:
    """Acts as a policy says: sampled from its distribution, or the likeliest action if ``greedy``.

    Calling it raises PolicyError also where the logits of a frame are NaN, or the largest of them is infinite.
    """

    policy: Policy
    greedy: bool = False

    def __call__(
        self, frames: UInt8[np.ndarray, "batch 64 64 3"], uniform: Float64[np.ndarray, " batch"]
    ) -> Int64[np.ndarray, " batch"]:
        frames, uniform = _checked(frames, uniform)
        if len(frames) == 0:
            return np.zeros(0, np.int64)
        logits = np.concatenate([self._logits(frames[at : at + BATCH]) for at in range(0, len(frames), BATCH)])
        unsound = ~np.isfinite(logits.max(-1, initial=-np.inf))  # minus infinity may forbid an action, but not all
        if unsound.any():
            raise PolicyError(self._unsound(frames, logits, unsound))
        actions = np.array(self.policy.actions)
        if self.greedy:
            return actions[logits.argmax(-1)]
        weights = np.exp(logits - logits.max(-1, keepdims=True))
        # Inverse transform sampling: the first action whose cumulative probability exceeds the uniform number.
        cumulative = weights.cumsum(-1) / weights.sum(-1, keepdims=True)
        chosen = (cumulative <= uniform[:, None]).sum(-1)
        return actions[np.minimum(chosen, len(actions) - 1)]

    def _unsound(self, frames: np.ndarray, logits: np.ndarray, unsound: np.ndarray) -> str:
        first = int(unsound.argmax())
        at = first - first % BATCH
        values = self.policy.capture(self._padded(frames[at : at + BATCH])).values
        since = next((name for name, value in values.items() if not value[first - at].isfinite().all()), "logits")
        columns = np.flatnonzero(~np.isfinite(logits[first])).tolist()
        return (
            f"{network_words(self.policy)}: no action follows from the logits of {unsound.sum()} of {len(frames)} "
            f"frames; those of the first such are not finite for "
            f"{', '.join(NAMES[self.policy.actions[column]] for column in columns)}, and activations from {since} on. "
            "Weights, edits and hooks must leave finite numbers"
        )

    @torch.no_grad()
    def _logits(self, frames: UInt8[np.ndarray, "batch 64 64 3"]) -> Float64[np.ndarray, "batch actions"]:
        return self.policy(self._padded(frames)).logits[: len(frames)].double().cpu().numpy()

    def _padded(self, frames: UInt8[np.ndarray, "batch 64 64 3"]) -> UInt8[torch.Tensor, "batch 64 64 3"]:
        padded = np.zeros((BATCH, *frames.shape[1:]), np.uint8)
        padded[: len(frames)] = frames
        return torch.from_numpy(padded).to(next(self.policy.parameters()).device)


@dataclass(frozen=True)
class AlwaysRight:
    """Goes right whatever it sees, and jumps with this probability at every step."""

    jump: float = 1.0

    def __call__(
        self, frames: UInt8[np.ndarray, "batch 64 64 3"], uniform: Float64[np.ndarray, " batch"]
    ) -> Int64[np.ndarray, " batch"]:
        return np.where(_checked(frames, uniform)[1] < self.jump, RIGHT_JUMP, RIGHT)


@dataclass(frozen=True)
class UniformRandom:
    """Every one of Procgen's 15 actions with the same probability."""

    def __call__(
        self, frames: UInt8[np.ndarray, "batch 64 64 3"], uniform: Float64[np.ndarray, " batch"]
    ) -> Int64[np.ndarray, " batch"]:
        return (_checked(frames, uniform)[1] * 15).astype(np.int64)


def _checked(frames: object, uniform: object) -> tuple[np.ndarray, np.ndarray]:
    """Frames, and a number for each of them."""
    frames = frame_array(frames, least=0)
    numbers = np.asarray(uniform)
    if numbers.dtype.kind != "f" or numbers.shape != (len(frames),) or not ((numbers >= 0) & (numbers < 1)).all():
        raise PolicyError(
            f"uniform must be one number in [0, 1) for each of {len(frames)} frames; got {numbers.dtype} "
            f"{list(numbers.shape)}" + (f" from {numbers.min()} to {numbers.max()}" if numbers.size else "")
        )
    return frames, numbers
