"""What chooses actions in a rollout: a policy, or a fixed rule to compare it with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64, UInt8

from mechinterp.policies.actions import NAMES
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.frames import frame_array
from mechinterp.policies.graph import Policy, network_words

RIGHT, RIGHT_JUMP = 7, 8
BATCH = 8
"""Frames per forward pass, always: padding the last batch keeps a frame's logits the same to the last bit, whatever the
number of environments around it. Larger ones are 10 % cheaper a frame, but mostly padding once few episodes go on."""


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


@dataclass(frozen=True, eq=False)
class Games:
    """The games behind a batch of frames.

    Attributes:
        states: the game of each frame, in the engine's bytes.
        episodes: index of the start of each.
        steps: steps since it began.
        levels: its level seed.
    """

    states: Sequence[bytes]
    episodes: Int64[np.ndarray, " batch"]
    steps: Int64[np.ndarray, " batch"]
    levels: Int64[np.ndarray, " batch"]


class GameActor(Actor, Protocol):
    """An actor that is also told which games the frames are from."""

    def act(
        self,
        frames: UInt8[np.ndarray, "batch 64 64 3"],
        uniform: Float64[np.ndarray, " batch"],
        games: Games,
    ) -> Int64[np.ndarray, " batch"]:
        """As calling it, with the games behind the frames."""
        ...


def act(
    actor: Actor, frames: UInt8[np.ndarray, "batch 64 64 3"], uniform: Float64[np.ndarray, " batch"], games: Games
) -> Int64[np.ndarray, " batch"]:
    """An actor's actions; it is told of the games if it asks for them (`GameActor`)."""
    knowing: Any = getattr(actor, "act", None)
    return actor(frames, uniform) if knowing is None else knowing(frames, uniform, games)


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
        frames, uniform = checked_inputs(frames, uniform)
        if len(frames) == 0:
            return np.zeros(0, np.int64)
        logits = self.logits(frames)
        if (unsound := unsound_rows(logits)).any():
            first = int(unsound.argmax())
            at = first - first % BATCH
            why = unsound_words(self.policy, frames[at : at + BATCH], logits[first], first - at)
            raise PolicyError(
                f"{network_words(self.policy)}: no action follows from the logits of {unsound.sum()} of {len(frames)} "
                f"frames; {why}"
            )
        return chosen_actions(self.policy, logits, uniform, greedy=self.greedy)

    def logits(self, frames: UInt8[np.ndarray, "batch 64 64 3"]) -> Float64[np.ndarray, "batch actions"]:
        """The logits of each frame, the same to the last bit whatever the frames around it."""
        parts = [padded_logits(self.policy, frames[at : at + BATCH]) for at in range(0, len(frames), BATCH)]
        return np.concatenate(parts)


@torch.no_grad()
def padded_logits(policy: Policy, frames: UInt8[np.ndarray, "batch 64 64 3"]) -> Float64[np.ndarray, "batch actions"]:
    """The logits of at most `BATCH` frames, run in a batch of that size."""
    return policy(padded(policy, frames)).logits[: len(frames)].double().cpu().numpy()


def padded(policy: Policy, frames: UInt8[np.ndarray, "batch 64 64 3"]) -> UInt8[torch.Tensor, "batch 64 64 3"]:
    """At most `BATCH` frames and black ones after them, on the policy's device."""
    filled = np.zeros((BATCH, *frames.shape[1:]), np.uint8)
    filled[: len(frames)] = frames
    return torch.from_numpy(filled).to(next(policy.parameters()).device)


def chosen_actions(
    policy: Policy,
    logits: Float64[np.ndarray, "batch actions"],
    uniform: Float64[np.ndarray, " batch"],
    *,
    greedy: bool,
) -> Int64[np.ndarray, " batch"]:
    """The actions that follow from logits: sampled by these uniform numbers, or the likeliest."""
    actions = np.array(policy.actions)
    if greedy:
        return actions[logits.argmax(-1)]
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    # Inverse transform sampling: the first action whose cumulative probability exceeds the uniform number.
    cumulative = weights.cumsum(-1) / weights.sum(-1, keepdims=True)
    chosen = (cumulative <= uniform[:, None]).sum(-1)
    return actions[np.minimum(chosen, len(actions) - 1)]


def unsound_rows(logits: Float64[np.ndarray, "batch actions"]) -> Bool[np.ndarray, " batch"]:
    """Rows from which no action follows: minus infinity may forbid an action, but not all of them."""
    return ~np.isfinite(logits.max(-1, initial=-np.inf))


def unsound_words(
    policy: Policy, frames: UInt8[np.ndarray, "batch 64 64 3"], logits: Float64[np.ndarray, " actions"], row: int
) -> str:
    """What is wrong with the logits of one of at most `BATCH` frames, and since which hook point."""
    values = policy.capture(padded(policy, frames)).values
    since = next((name for name, value in values.items() if not value[row].isfinite().all()), "logits")
    columns = np.flatnonzero(~np.isfinite(logits)).tolist()
    return (
        "those of the first such are not finite for "
        f"{', '.join(NAMES[policy.actions[column]] for column in columns)}, and activations from {since} on. "
        "Weights, edits and hooks must leave finite numbers"
    )


@dataclass(frozen=True)
class AlwaysRight:
    """Goes right whatever it sees, and jumps with this probability at every step."""

    jump: float = 1.0

    def __call__(
        self, frames: UInt8[np.ndarray, "batch 64 64 3"], uniform: Float64[np.ndarray, " batch"]
    ) -> Int64[np.ndarray, " batch"]:
        return np.where(checked_inputs(frames, uniform)[1] < self.jump, RIGHT_JUMP, RIGHT)


@dataclass(frozen=True)
class UniformRandom:
    """Every one of Procgen's 15 actions with the same probability."""

    def __call__(
        self, frames: UInt8[np.ndarray, "batch 64 64 3"], uniform: Float64[np.ndarray, " batch"]
    ) -> Int64[np.ndarray, " batch"]:
        return (checked_inputs(frames, uniform)[1] * 15).astype(np.int64)


def checked_inputs(frames: object, uniform: object) -> tuple[np.ndarray, np.ndarray]:
    """Frames, and a number for each of them."""
    frames = frame_array(frames, least=0)
    numbers = np.asarray(uniform)
    if numbers.dtype.kind != "f" or numbers.shape != (len(frames),) or not ((numbers >= 0) & (numbers < 1)).all():
        raise PolicyError(
            f"uniform must be one number in [0, 1) for each of {len(frames)} frames; got {numbers.dtype} "
            f"{list(numbers.shape)}: {uniform!r:.60}"
        )
    return frames, numbers
