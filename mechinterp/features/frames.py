"""Frames as callers give them, arrays or tensors, checked and as arrays."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from jaxtyping import UInt8
from torch import Tensor

from mechinterp.features.errors import FeatureError
from mechinterp.policies.frames import frame_array as frames_as_array

Frames: TypeAlias = UInt8[np.ndarray, "frames 64 64 3"] | UInt8[Tensor, "frames 64 64 3"]


def as_array(values: object) -> np.ndarray:
    """An array, a tensor on any device, or a nested list of numbers, as an array."""
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def frame_array(frames: object, *, name: str = "frames") -> UInt8[np.ndarray, "frames 64 64 3"]:
    """Frames as an array.

    Args:
        name: what they are, for the error.

    Raises:
        FeatureError: not uint8 [frames, 64, 64, 3], or no frame at all.
    """
    return frames_as_array(frames, name=name, error=FeatureError)
