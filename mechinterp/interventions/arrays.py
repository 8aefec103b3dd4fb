"""Arrays and tensors as plain values that `json` writes, without loss."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor


def array_to_dict(array: np.ndarray | Tensor) -> dict[str, Any]:
    """Type, shape and bytes (of truth values, bits) in base 64."""
    values = np.ascontiguousarray(array.detach().cpu().numpy() if isinstance(array, Tensor) else array)
    data = np.packbits(values) if values.dtype == np.bool_ else values
    return {
        "dtype": str(values.dtype),
        "shape": list(values.shape),
        "base64": base64.b64encode(data.tobytes()).decode("ascii"),
    }


def array_from_dict(data: Mapping[str, Any]) -> np.ndarray:
    """The inverse of `array_to_dict`. Raises ValueError, TypeError or KeyError for what it did not write."""
    dtype, shape, raw = np.dtype(data["dtype"]), tuple(data["shape"]), base64.b64decode(data["base64"], validate=True)
    if dtype == np.bool_:
        return np.unpackbits(np.frombuffer(raw, np.uint8), count=int(np.prod(shape))).astype(bool).reshape(shape)
    if dtype.kind not in "iuf":
        raise ValueError(f"arrays of {dtype} are not written to JSON")
    return np.frombuffer(raw, dtype).reshape(shape).copy()
