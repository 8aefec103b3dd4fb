"""Which numbers of an activation an edit touches, checked against the activation's shape."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.places import Mask, Place


def channel_tuple(channels: int | Sequence[int] | None, hook: str) -> tuple[int, ...] | None:
    """`channels` as different, non-negative whole numbers; None stands for all.

    Raises:
        InterventionError: none named, one named twice, or something that is no channel.
    """
    if channels is None:
        return None
    given = [channels] if isinstance(channels, int) else list(channels)
    try:
        numbers = tuple(channel.__index__() for channel in given)
    except AttributeError:
        raise InterventionError(f"{hook}: channels must be whole numbers, got {given}") from None
    if not numbers:
        raise InterventionError(f"{hook}: an empty list of channels names nothing; leave channels out to mean all")
    if len(set(numbers)) != len(numbers) or min(numbers) < 0:
        raise InterventionError(f"{hook}: channels must be different and not negative, got {list(numbers)}")
    return numbers


def check(hook: str, channels: tuple[int, ...] | None, place: Place | None, shape: Sequence[int]) -> None:
    """Whether the channels and the place exist in an activation of `shape` (without the batch).

    Raises:
        InterventionError: a channel that is not there, a place in an activation that is no map, or outside the map.
    """
    width = shape[0] if shape else 1  # the value head gives one number, without an axis
    if channels is not None and max(channels) >= width:
        bad = [channel for channel in channels if channel >= width]
        raise InterventionError(f"{hook} has channels 0 to {width - 1}; there is no channel {bad}")
    if place is None:
        return
    if len(shape) != 3:
        raise InterventionError(f"{hook} is no feature map (shape {tuple(shape)}), so it has no places")
    try:
        place.mask(shape[1], shape[2])
    except InterventionError as error:
        raise InterventionError(f"{hook}: {error}") from None


def mask(
    hook: str, channels: tuple[int, ...] | None, place: Place | None, value: Shaped[Tensor, " rows *shape"]
) -> Bool[Tensor, "#rows *#shape"]:
    """True where the edit applies; broadcasts against `value`.

    Raises:
        InterventionError: as `check`, or a mask with another number of rows than the batch.
    """
    shape = value.shape[1:]
    check(hook, channels, place, shape)
    if not shape:
        return torch.ones(1, dtype=torch.bool, device=value.device)
    chosen = torch.ones(1, shape[0], *[1] * (len(shape) - 1), dtype=torch.bool)
    if channels is not None:
        chosen = torch.zeros_like(chosen)
        chosen[:, list(channels)] = True
    if place is not None:
        if isinstance(place, Mask) and place.cells.ndim == 3 and len(place.cells) != len(value):
            raise InterventionError(
                f"{hook}: the mask has {len(place.cells)} rows for a batch of {len(value)}; "
                "give one mask for all, or one for each row"
            )
        cells = place.mask(shape[1], shape[2])
        chosen = chosen & (cells[None, None] if cells.ndim == 2 else cells[:, None])
    return chosen.to(value.device)
