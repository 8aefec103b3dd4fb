"""Edits that put activations elsewhere: scale, resample from a named set, retarget to another place."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mechinterp.errors import nearest
from mechinterp.interventions.base import Edit, Looked
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.moments import Moment
from mechinterp.interventions.numbers import check_for_channels, for_channels, in_words
from mechinterp.interventions.places import Place
from mechinterp.interventions.schedules import Schedule

Way = Literal["add", "set"]
Per = Literal["step", "episode"]


@dataclass(frozen=True, eq=False, repr=False)
class Scale(Edit):
    """Multiply.

    Attributes:
        factor: one number, or one for each of `channels` in their order.
    """

    factor: float | Sequence[float] = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_for_channels(self, "factor")

    def _new(self, value: Tensor) -> Tensor:
        return value * for_channels(self.factor, self.site.channels, value)

    def ready(self, like: Tensor) -> Callable[[Tensor, Looked], None]:
        if self.momentary:
            return super().ready(like)
        one = torch.ones_like(like[:1])
        factors = torch.where(self._mask(one), self._new(one), one)

        def scale(row: Tensor, looked: Looked) -> None:
            row.mul_(factors)

        return scale

    def _does(self) -> str:
        return f"multiplied by {in_words(self.factor)}"


@dataclass(frozen=True, eq=False, repr=False)
class Resample(Edit):
    """Put in a row drawn from a named set of activations (resample ablation; Chan et al. 2022).

    The draw follows from `seed`, the level's seed and the step alone, so that an episode is the same whatever runs in
    the same batch, and two edits of one seed draw the same rows.

    Attributes:
        reference: activations at this hook point that are drawn from.
        name: of the set, such as "frames without a coin".
        per: a draw at each "step", or one for the whole "episode".
        seed: of the draws.
    """

    reference: Float[Tensor, " n *shape"] = field(kw_only=True)
    name: str = field(kw_only=True)
    per: Per = field(default="step", kw_only=True)
    seed: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_tensor("reference", "activations at this hook point")
        if not isinstance(self.name, str) or not self.name.strip():
            raise InterventionError(f"{self}: the set that rows are drawn from needs a name, got {self.name!r}")
        if self.per not in get_args(Per):
            raise InterventionError(f"{self}: per must be step or episode{nearest(str(self.per), get_args(Per))}")
        if not isinstance(self.seed, int) or self.seed < 0:
            raise InterventionError(f"{self}: seed must be a whole number from 0, got {self.seed!r}")

    def check(self, shape: Sequence[int]) -> None:
        super().check(shape)
        if tuple(self.reference.shape[1:]) != tuple(shape):
            raise InterventionError(
                f"{self}: rows have shape {tuple(self.reference.shape[1:])}; expected {tuple(shape)}"
            )

    @property
    def momentary(self) -> bool:
        return True

    def _look(self, moment: Moment, side: int) -> int:
        step = moment.step if self.per == "step" else 0
        drawn = hashlib.blake2b(struct.pack("<3q", self.seed, moment.level_seed, step), digest_size=8).digest()
        return int.from_bytes(drawn, "little") % len(self.reference)

    def ready(self, like: Tensor) -> Callable[[Tensor, Looked], None]:
        reference, mask = self.reference.to(like), self._mask(like[:1])

        def put(row: Tensor, looked: Looked) -> None:
            here = mask if looked[0] is None else self._mask_at(looked[0], row)
            torch.where(here, reference[looked[1]], row, out=row)

        return put

    def _new_at(self, value: Tensor, own: int) -> Tensor:
        return self._fits("reference", self.reference[own : own + 1], value)

    def _new(self, value: Tensor) -> Tensor:
        raise InterventionError(f"{self}: draws depend on the game")

    def _does(self) -> str:
        return f"a row of {self.name!r} ({len(self.reference)} rows) is put in, drawn for each {self.per}"


@dataclass(frozen=True, eq=False, repr=False)
class Retarget(Edit):
    """Write a template, such as a coin's activation, at another place of the map (Turner et al. 2023, on mazes).

    Attributes:
        template: `[channels, rows, columns]` with an odd number of rows and of columns: what is written, its middle at
            the place; what reaches over the map's edge is left out. `templates.object_template` makes one. Where the
            edit names `channels`, the template has all channels of the hook point, and those are written.
        to: where to: a place, such as ``InLevel(7.5, 3.5)`` or ``AtObject("saw")``; nothing is written while it is out
            of view.
        way: "add" it to what is there, or "set" to it.
        strength: times the template; a number, or a `Schedule` over the steps of an episode.
    """

    template: Float[Tensor, "channels rows columns"] = field(kw_only=True)
    to: Place = field(kw_only=True)
    way: Way = field(default="add", kw_only=True)
    strength: float | Schedule = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_tensor("template", "[channels, rows, columns]")
        if self.template.ndim != 3 or any(side % 2 == 0 for side in self.template.shape[1:]):
            raise InterventionError(
                f"{self}: template must be [channels, rows, columns] with a middle cell (odd sides), got "
                f"{list(self.template.shape)}"
            )
        if not isinstance(self.to, Place) or self.positions is not None:
            raise InterventionError(f"{self}: to is a place such as InLevel(7.5, 3.5), and takes the part of positions")
        if self.way not in get_args(Way):
            raise InterventionError(f"{self}: way must be add or set{nearest(str(self.way), get_args(Way))}")
        if not isinstance(self.strength, Schedule) and not np.isfinite(self.strength):
            raise InterventionError(f"{self}: strength must be a finite number or a schedule, got {self.strength!r}")

    def check(self, shape: Sequence[int]) -> None:
        super().check(shape)
        if len(shape) != 3 or shape[0] != len(self.template):
            raise InterventionError(
                f"{self}: the template has {len(self.template)} channels, {self.hook} is {tuple(shape)}"
            )
        self.to.check(shape[1], shape[2])

    @property
    def momentary(self) -> bool:
        return True

    def _look(self, moment: Moment, side: int) -> Any:
        strength = self.strength.at(moment.step) if isinstance(self.strength, Schedule) else self.strength
        centres = self.to.centres(moment, side)
        return (centres, strength) if centres and strength else None

    def _new_at(self, value: Tensor, own: Any) -> Tensor:
        centres, strength = own
        new = value.clone(memory_format=torch.preserve_format)
        self._write(new, strength * self.template.to(value), centres)
        return new

    def ready(self, like: Tensor) -> Callable[[Tensor, Looked], None]:
        if self.channels is not None:
            return super().ready(like)
        template = self.template.to(like)

        def write(row: Tensor, looked: Looked) -> None:
            centres, strength = looked[1]
            self._write(row, template if strength == 1 else strength * template, centres)

        return write

    def _write(self, new: Tensor, template: Tensor, centres: Sequence[tuple[int, int]]) -> None:
        """Put the template around each of these cells of the one row, in place."""
        for centre in centres:
            spans = [
                _overlap(at, n, side) for at, n, side in zip(centre, template.shape[1:], new.shape[2:], strict=True)
            ]
            (rows, from_rows), (columns, from_columns) = spans
            here, part = new[0, :, rows, columns], template[:, from_rows, from_columns]
            if self.way == "add":
                here.add_(part)
            else:
                here.copy_(part)

    def _new(self, value: Tensor) -> Tensor:
        raise InterventionError(f"{self}: where it writes depends on the game")

    def _does(self) -> str:
        rows, columns = self.template.shape[1:]
        verb = "is added" if self.way == "add" else "is put in"
        return f"a template of {rows} x {columns} cells {verb} {self.to}, times {in_words(self.strength)}"

    def __str__(self) -> str:
        return f"Retarget {self.site.label} {self.to}"


def _overlap(centre: int, size: int, side: int) -> tuple[slice, slice]:
    """Along one axis, the cells of a map that a template covers around `centre`, and the cells of the template."""
    first = centre - size // 2
    low, high = max(first, 0), min(first + size, side)
    return slice(low, high), slice(low - first, high - first)
