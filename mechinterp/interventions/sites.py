"""`Site`: a part of one activation, as data: which hook point, which channels, which cells of the map."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from mechinterp.errors import nearest
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.places import Place
from mechinterp.interventions.positions import Box, Mask, Positions, positions_from_dict
from mechinterp.policies.errors import UnknownHook
from mechinterp.policies.graph import Policy
from mechinterp.policies.hooks import Names

By = Literal["channel", "layer", "position"]
"""A site for each channel, for each whole activation, or for each part of a map (all channels)."""
GRID = 8
"""Maps are cut into at most so many parts a side, for sites by position."""


@dataclass(frozen=True, init=False)
class Site:
    """A part of one activation.

    Attributes:
        hook: full name of the hook point.
        channels: one, or several (features, where the activation is a row of numbers); None for all. They are indices
            on the first axis after the batch.
        positions: which cells of the map; a `Mask` of three axes has a part for each row of the batch, a `Place`
            depends on each row's game. None for all.

    Raises:
        InterventionError: channels that are none, not different, or no whole numbers.
    """

    hook: str
    channels: tuple[int, ...] | None
    positions: Positions | None

    def __init__(
        self, hook: str, channels: int | Sequence[int] | None = None, positions: Positions | None = None
    ) -> None:
        if not isinstance(hook, str):
            raise InterventionError(f"a site names its hook point by text, got {hook!r}")
        if not isinstance(positions, Positions | None):
            raise InterventionError(
                f"{hook}: positions are a Box or a Mask, or a place such as AtObject('coin'), got {positions!r:.80}"
            )
        given = {"hook": hook, "channels": channel_tuple(channels, hook), "positions": positions}
        for name, value in given.items():
            object.__setattr__(self, name, value)

    @cached_property
    def whole(self) -> bool:
        """Whether it is the whole activation."""
        return self.channels is None and self.positions is None

    @property
    def words(self) -> str:
        """For example `channels 3 and 17 of block2.res1.hook_out, rows 2-4 columns 0-8`."""
        of = "" if self.channels is None else f"{_counted(self.channels)} of "
        return f"{of}{self.hook}" + ("" if self.positions is None else f", {self.positions}")

    @property
    def label(self) -> str:
        """For example `block2.res1.hook_out[3, 17] rows 2-4 columns 0-8`."""
        text = self.hook
        if self.channels is not None:
            text += f"[{', '.join(map(str, self.channels))}]"
        return text if self.positions is None else f"{text} {self.positions}"

    def __str__(self) -> str:
        return self.label

    def check(self, shape: Sequence[int]) -> None:
        """Whether the channels and the positions exist in an activation of `shape` (without the batch).

        Raises:
            InterventionError: a channel that is not there, positions in an activation that is no map, or outside it.
        """
        width = shape[0] if shape else 1  # the value head gives one number, without an axis
        if self.channels is not None and max(self.channels) >= width:
            bad = [channel for channel in self.channels if channel >= width]
            raise InterventionError(f"{self.hook} has channels 0 to {width - 1}; there is no channel {bad}")
        if self.positions is None:
            return
        if len(shape) != 3:
            raise InterventionError(f"{self.hook} is no feature map (shape {tuple(shape)}), so it has no positions")
        try:
            check = self.positions.check if isinstance(self.positions, Place) else self.positions.mask
            check(shape[1], shape[2])
        except InterventionError as error:
            raise InterventionError(f"{self.hook}: {error}") from None

    def mask(self, value: Shaped[Tensor, " rows *shape"]) -> Bool[Tensor, "#rows *#shape"]:
        """True at the numbers of the site; broadcasts against `value`.

        Raises:
            InterventionError: as `check`, or a mask with another number of rows than the batch.
        """
        shape = value.shape[1:]
        self.check(shape)
        if not shape:
            return torch.ones(1, dtype=torch.bool, device=value.device)
        chosen = torch.ones(1, shape[0], *[1] * (len(shape) - 1), dtype=torch.bool)
        if self.channels is not None:
            chosen = torch.zeros_like(chosen)
            chosen[:, list(self.channels)] = True
        if self.positions is not None:
            self.check_rows(len(value))
            chosen = chosen & self.cells(shape[1], shape[2], slice(None))[:, None]
        return chosen.to(value.device)

    def check_rows(self, rows: int) -> None:
        """Raise InterventionError where the site's mask has rows, and another number of them."""
        if isinstance(self.positions, Mask) and self.positions.cells.ndim == 3 and len(self.positions.cells) != rows:
            raise InterventionError(
                f"{self.hook}: the mask has {len(self.positions.cells)} rows for a batch of {rows}; give one mask for "
                "all, or one for each row"
            )

    def cells(self, height: int, width: int, rows: slice) -> Bool[Tensor, "#rows height width"]:
        """True at the cells that the site names, for some rows of the batch."""
        if self.positions is None:
            return torch.ones(1, height, width, dtype=torch.bool)
        cells = self.positions.mask(height, width)
        return cells[rows] if cells.ndim == 3 else cells[None]

    def to_dict(self) -> dict[str, Any]:
        """As plain values that `json` writes."""
        return {
            "hook": self.hook,
            "channels": None if self.channels is None else list(self.channels),
            "positions": None if self.positions is None else self.positions.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Site:
        """The inverse of `to_dict`. Raises InterventionError for what it did not write."""
        try:
            stored = data["positions"]
            return cls(data["hook"], data["channels"], None if stored is None else positions_from_dict(stored))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InterventionError(f"this is no site: {error!r}") from error


def _counted(channels: tuple[int, ...]) -> str:
    """Channels in words; many of them, by their number."""
    if len(channels) > 8:
        return f"{len(channels)} channels"
    listed = [str(channel) for channel in channels]
    return f"channel {listed[0]}" if len(listed) == 1 else f"channels {', '.join(listed[:-1])} and {listed[-1]}"


def channel_tuple(channels: int | Sequence[int] | None, hook: str) -> tuple[int, ...] | None:
    """`channels` as different, non-negative whole numbers; None stands for all.

    Raises:
        InterventionError: none named, one named twice, or something that is no channel.
    """
    if channels is None:
        return None
    try:
        given = list(channels) if isinstance(channels, Iterable) else [channels]
        numbers = tuple(map(operator.index, given))
    except TypeError:
        raise InterventionError(f"{hook}: channels must be whole numbers, got {channels!r}") from None
    if any(isinstance(channel, bool) for channel in given):
        raise InterventionError(f"{hook}: channels must be whole numbers, got {channels!r}")
    if not given:
        raise InterventionError(f"{hook}: an empty list of channels names nothing; leave channels out to mean all")
    if len(set(numbers)) != len(given) or min(numbers) < 0:
        raise InterventionError(f"{hook}: channels must be different and not negative, got {given}")
    return numbers


def channel_sites(policy: Policy, hooks: Names = None, *, positions: Positions | None = None) -> tuple[Site, ...]:
    """One site for each channel of each selected hook point (all, if None), in running order.

    Raises:
        UnknownHook, EmptySelection: see `Policy.select`.
    """
    names = policy.select(hooks)
    return tuple(
        Site(name, (channel,), positions) for name in names for channel in range((policy.shapes[name] or (1,))[0])
    )


def sites_by(policy: Policy, hooks: Names, by: By) -> tuple[Site, ...]:
    """The sites of some hook points. By position, rows of numbers are left out: they have none.

    Raises:
        InterventionError: an unknown way, or no maps to have positions.
        UnknownHook, EmptySelection: see `Policy.select`.
    """
    if by not in get_args(By):
        raise InterventionError(
            f"sites are made by channel, layer or position, not {by!r}{nearest(str(by), get_args(By))}"
        )
    if by == "channel":
        return channel_sites(policy, hooks)
    names = policy.select(hooks)
    if by == "layer":
        return tuple(Site(name) for name in names)
    maps = [name for name in names if len(policy.shapes[name]) == 3]
    if not maps:
        raise InterventionError(f"none of {', '.join(names)} is a map, so there are no positions; use channel or layer")
    return tuple(
        Site(name, None, Box(rows, columns))
        for name in maps
        for rows in _spans(policy.shapes[name][1])
        for columns in _spans(policy.shapes[name][2])
    )


def check_sites(policy: Policy, sites: Sequence[Any], rows: int) -> None:
    """Make sure that each site (or edit: whatever has a `hook` and a `check`) exists in the policy and fits the rows.

    Raises:
        UnknownHook: a site at no hook point.
        InterventionError: channels or positions that the activation does not have, or a mask for other rows.
    """
    if unknown := [hook for hook in dict.fromkeys(site.hook for site in sites) if hook not in policy.hook_names]:
        raise UnknownHook(unknown, policy.hook_names)
    for site in sites:
        site.check(policy.shapes[site.hook])
        site.check_rows(rows)


def _spans(side: int) -> list[tuple[int, int]]:
    """A side in at most `GRID` parts."""
    each = -(-side // GRID)
    return [(first, min(first + each, side)) for first in range(0, side, each)]
