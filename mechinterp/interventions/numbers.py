"""Numbers that edits take: one, one for each channel or row, or a schedule."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from mechinterp.interventions.base import Edit
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.schedules import Schedule


def check_for_channels(edit: Edit, name: str) -> None:
    """Raise InterventionError unless the attribute is one number, or one for each of the edit's channels."""
    given, expected = getattr(edit, name), None if edit.site.channels is None else len(edit.site.channels)
    numbers = as_numbers(given)
    if numbers is None or numbers.ndim > 1 or not np.isfinite(numbers).all() or numbers.size not in (1, expected):
        raise InterventionError(
            f"{type(edit).__name__} at {edit.hook}: {name} must be one finite number, or one for each of the "
            f"{expected or 'named'} channels, got {given!r:.80}"
        )


def for_channels(given: Any, channels: tuple[int, ...] | None, value: Tensor) -> Tensor:
    """One number, or one for each of these channels (0 for the others), broadcastable against `value`."""
    numbers = torch.as_tensor(given, dtype=value.dtype, device=value.device).reshape(-1)
    if len(numbers) == 1:
        return numbers.reshape([1] * value.ndim)
    new = torch.zeros(1, value.shape[1], *[1] * (value.ndim - 2), dtype=value.dtype, device=value.device)
    new[:, list(channels or ())] = numbers.reshape(1, -1, *[1] * (value.ndim - 2))
    return new


def in_words(given: Any) -> str:
    """A number, several, or a schedule, in words."""
    if isinstance(given, Schedule):
        return str(given)
    numbers = np.atleast_1d(as_numbers(given)).tolist()  # pyright: ignore[reportArgumentType, reportCallIssue]
    return ", ".join(f"{number:g}" for number in numbers[:4]) + (", ..." if len(numbers) > 4 else "")


def as_numbers(given: Any) -> np.ndarray | None:
    """As an array, where it is made of real numbers."""
    try:
        array = np.asarray(given.detach().cpu() if isinstance(given, Tensor) else given)
    except ValueError:  # ragged
        return None
    return array if array.dtype.kind in "buif" else None
