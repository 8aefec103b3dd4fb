"""The numbers that a result holds: of the shapes that its labels say, finite, and not to be written to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mechinterp.circuits.errors import CircuitError


def freeze(result: object, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Turn these fields of a frozen dataclass into read-only float64 arrays of these shapes.

    Raises:
        CircuitError: another shape, or a number that is not finite.
    """
    for name, shape in shapes.items():
        array = np.array(getattr(result, name), np.float64)
        if array.shape != shape or not np.isfinite(array).all():
            raise CircuitError(f"{type(result).__name__}.{name} must be finite with shape {shape}, got {array.shape}")
        array.flags.writeable = False
        object.__setattr__(result, name, array)
