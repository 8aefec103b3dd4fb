"""Frames as callers give them: the one check, at every entrance, and the copies that torch needs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from mechinterp.errors import MechinterpError
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.nodes import FRAME

Frames = UInt8[Tensor, "batch 64 64 3"] | UInt8[np.ndarray, "batch 64 64 3"]
"""Observations as the game gives them, as an array or a tensor."""


def as_frames(frames: Any) -> UInt8[Tensor, "batch 64 64 3"]:
    """Frames as a tensor, on the device where they are. It may share the memory of an array that was given.

    Raises:
        PolicyError: neither an array nor a tensor; not uint8; not [batch, 64, 64, 3].
    """
    if not isinstance(frames, np.ndarray | Tensor):
        raise PolicyError(
            f"observations must be an array or a tensor [batch, {FRAME}, {FRAME}, 3], got {type(frames).__name__}"
        )
    _check(frames, "observations", 0, PolicyError)
    if isinstance(frames, Tensor):
        return frames
    return torch.from_numpy(_as_torch_takes_it(frames))


def frame_array(
    frames: Any, *, name: str = "frames", least: int = 1, error: type[MechinterpError] = PolicyError
) -> UInt8[np.ndarray, "frames 64 64 3"]:
    """Frames as an array that torch takes, whatever holds them: an array, a tensor on any device, nested lists.

    Args:
        name: what they are, for the error.
        least: how many there must be.
        error: of the caller's package.

    Raises:
        PolicyError: (or `error`) not uint8, not [frames, 64, 64, 3], or fewer than `least`.
    """
    try:
        array = frames.detach().cpu().numpy() if isinstance(frames, Tensor) else np.asarray(frames)
    except ValueError as reason:
        raise error(f"{name}: no array can be made of it ({reason})") from None
    _check(array, name, least, error)
    return _as_torch_takes_it(array)


def _as_torch_takes_it(array: np.ndarray) -> np.ndarray:
    """The array; a copy of one with negative strides, which torch refuses, or a read-only one, of which it warns."""
    return array if array.flags.writeable and array.flags.c_contiguous else array.copy()


def _check(frames: np.ndarray | Tensor, name: str, least: int, error: type[MechinterpError]) -> None:
    right = str(frames.dtype).removeprefix("torch.") == "uint8"
    if right and tuple(frames.shape[1:]) == (FRAME, FRAME, 3) and frames.ndim == 4 and len(frames) >= least:
        return
    advice = ""
    if not right and frames.ndim == 4:
        advice = (
            "; the game gives whole numbers from 0 to 255. A float image goes in by "
            "forward(start_at='hook_input', values={'hook_input': image})"
        )
    elif tuple(frames.shape) == (FRAME, FRAME, 3):
        advice = "; a single frame goes in as frame[None]"
    enough = f", at least {least}" if least else ""
    raise error(
        f"{name} must be uint8 [frames, {FRAME}, {FRAME}, 3]{enough}; got {frames.dtype} {list(frames.shape)}{advice}"
    )
