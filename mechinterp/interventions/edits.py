"""The kinds of edits: ablate, patch, clamp, steer, project out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mechinterp.errors import nearest
from mechinterp.interventions.base import Edit as Edit
from mechinterp.interventions.base import Looked
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.moments import Moment
from mechinterp.interventions.schedules import Schedule

Mode = Literal["zero", "mean", "resample"]


@dataclass(frozen=True, eq=False, repr=False)
class Ablate(Edit):
    """Put in a value that carries no information about the input.

    Attributes:
        mode: `zero`; `mean`, the mean of `reference` over its rows, cell by cell; `resample`, the rows of `reference`
            as they are, one for each row of the batch (`resampled` draws them).
        reference: activations at this hook point, for `mean` and `resample`.
    """

    mode: Mode = field(default="zero", kw_only=True)
    reference: Float[Tensor, " rows *shape"] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mode not in get_args(Mode):
            raise InterventionError(
                f"Ablate at {self.hook}: unknown mode {self.mode!r}{nearest(self.mode, get_args(Mode))}"
            )
        if (self.mode == "zero") != (self.reference is None):
            need = "takes no reference" if self.mode == "zero" else "needs a reference: activations at this hook point"
            raise InterventionError(f"Ablate at {self.hook}: mode {self.mode!r} {need}")
        if self.reference is not None:
            self._check_tensor("reference", "activations at this hook point")

    def _new(self, value: Tensor) -> Tensor:
        if self.reference is None:
            return torch.zeros_like(value)
        return self._fits("reference", self._mean if self.mode == "mean" else self.reference, value)

    def ready(self, like: Tensor) -> Callable[[Tensor, Looked], None]:
        return super().ready(like) if self.momentary else _putting(self, like)

    @cached_property
    def _mean(self) -> Tensor:
        assert self.reference is not None
        return self.reference.mean(0, keepdim=True)

    def _by_row(self) -> dict[str, Tensor]:
        one_each = self.mode == "resample" and self.reference is not None and len(self.reference) > 1
        return {"reference": self.reference} if one_each else {}  # pyright: ignore[reportReturnType]

    def _does(self) -> str:
        if self.reference is None:
            return "0 is put in"
        rows = len(self.reference)
        return f"the mean of {rows} rows is put in, cell by cell" if self.mode == "mean" else "other rows are put in"

    def __str__(self) -> str:
        return f"{self.mode} ablation {self.site.label}"


@dataclass(frozen=True, eq=False, repr=False)
class Patch(Edit):
    """Put in the value of another run (Vig et al. 2020; Meng et al. 2022).

    Attributes:
        replacement: the other run's activation at this hook point, one row for each row of the batch, or one for all.
            May be given as a whole cache (name -> activation).
    """

    replacement: Float[Tensor, " rows *shape"] = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        given: Any = self.replacement
        if isinstance(given, Mapping):
            if self.hook not in given:
                raise InterventionError(
                    f"Patch at {self.hook}: the cache has no such activation{nearest(self.hook, given)}"
                )
            found = given[self.hook]
            object.__setattr__(
                self, "replacement", torch.from_numpy(found.copy()) if isinstance(found, np.ndarray) else found
            )
        self._check_tensor("replacement", "another run's activation")

    def _new(self, value: Tensor) -> Tensor:
        return self._fits("replacement", self.replacement, value)

    def _by_row(self) -> dict[str, Tensor]:
        return {"replacement": self.replacement} if len(self.replacement) > 1 else {}

    def ready(self, like: Tensor) -> Callable[[Tensor, Looked], None]:
        return super().ready(like) if self.momentary else _putting(self, like)

    def _does(self) -> str:
        return "the activation of another run is put in"


@dataclass(frozen=True, eq=False, repr=False)
class Clamp(Edit):
    """Set to a fixed number (Mini et al. 2023).

    Attributes:
        value: one number, or one for each of `channels` in their order.
    """

    value: float | Sequence[float] = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_for_channels(self, "value")

    def _new(self, value: Tensor) -> Tensor:
        return _for_channels(self.value, self.site.channels, value)

    def ready(self, like: Tensor) -> Callable[[Tensor, Looked], None]:
        return super().ready(like) if self.momentary else _putting(self, like)

    def _does(self) -> str:
        return f"set to {_numbers(self.value)}"


@dataclass(frozen=True, eq=False, repr=False)
class _Directional(Edit):
    """An edit along a direction over channels (the same at every cell) or over the whole activation.

    Attributes:
        direction: shape `[channels]` or the activation's whole shape.
    """

    direction: Float[Tensor, " *shape"] = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_tensor("direction", "one number a channel, or one for each number of the activation")

    def check(self, shape: Sequence[int]) -> None:
        super().check(shape)
        if not shape:
            raise InterventionError(f"{self.hook} is a single number: there are no directions in it; use Clamp")
        if tuple(self.direction.shape) not in ((shape[0],), tuple(shape)):
            raise InterventionError(
                f"{type(self).__name__} at {self.hook}: direction has shape {tuple(self.direction.shape)}; expected "
                f"({shape[0]},), one number a channel, or {tuple(shape)}"
            )

    def _direction(self, value: Tensor) -> Float[Tensor, " *shape"]:
        """With as many axes as the activation has, without the batch."""
        self.check(value.shape[1:])
        direction = self.direction.to(value)
        return direction.reshape(-1, *[1] * (value.ndim - 1 - direction.ndim)) if direction.ndim == 1 else direction


@dataclass(frozen=True, eq=False, repr=False)
class Steer(_Directional):
    """Add `strength` times the direction, whose length is left as given (Turner et al. 2023).

    Attributes:
        strength: one number, one for each row of the batch, or a `Schedule` over the steps of an episode.
    """

    strength: float | Float[Tensor, " rows"] | Schedule = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.strength, Schedule):
            return
        numbers = _array(self.strength)
        if numbers is None or numbers.ndim > 1 or not np.isfinite(numbers).all():
            raise InterventionError(
                f"Steer at {self.hook}: strength must be one finite number, or one for each row of the batch, got "
                f"{self.strength!r:.80}"
            )

    def _by_row(self) -> dict[str, Tensor]:
        return {"strength": self.strength} if isinstance(self.strength, Tensor) and self.strength.ndim else {}

    @property
    def momentary(self) -> bool:
        return super().momentary or isinstance(self.strength, Schedule)

    def _look(self, moment: Moment, side: int) -> Any:
        if not isinstance(self.strength, Schedule):
            return ()
        return self.strength.at(moment.step) or None

    def _new_at(self, value: Tensor, own: Any) -> Tensor:
        return value + own * self._direction(value) if isinstance(self.strength, Schedule) else self._new(value)

    def ready(self, like: Tensor) -> Callable[[Tensor, Looked], None]:
        if self.momentary:
            return super().ready(like)
        zero = torch.zeros_like(like[:1])
        step = torch.where(self._mask(like[:1]), self._new(zero), zero)  # outside, adding 0 changes nothing

        def add(row: Tensor, looked: Looked) -> None:
            row.add_(step)

        return add

    def _does(self) -> str:
        return f"a direction of norm {float(self.direction.norm()):.3g} is added, {_numbers(self.strength)} times"

    def _new(self, value: Tensor) -> Tensor:
        strength = torch.as_tensor(self.strength, dtype=value.dtype, device=value.device)
        if strength.ndim > 1 or (strength.ndim == 1 and len(strength) != len(value)):
            raise InterventionError(
                f"Steer at {self.hook}: strength has shape {tuple(strength.shape)} for a batch of {len(value)}; give "
                "one number, or one a row"
            )
        return value + strength.reshape(-1, *[1] * (value.ndim - 1)) * self._direction(value)


@dataclass(frozen=True, eq=False, repr=False)
class ProjectOut(_Directional):
    """Remove the component along the direction: x - (x . d) d / (d . d) (Arditi et al. 2024).

    A direction over channels is removed at each cell by itself; one over the whole activation, as a whole.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.direction != 0).any():
            raise InterventionError(f"ProjectOut at {self.hook}: the direction is zero, so there is nothing to remove")

    def _new(self, value: Tensor) -> Tensor:
        direction = self._direction(value)
        unit = direction / self.direction.to(value).norm()
        axes = (1,) if self.direction.ndim == 1 else tuple(range(1, value.ndim))
        return value - (value * unit).sum(axes, keepdim=True) * unit

    def ready(self, like: Tensor) -> Callable[[Tensor, Looked], None]:
        if self.momentary or not self.site.whole:
            return super().ready(like)
        unit = self._direction(like) / self.direction.to(like).norm()
        axes = (1,) if self.direction.ndim == 1 else tuple(range(1, like.ndim))

        def remove(row: Tensor, looked: Looked) -> None:
            row.sub_((row * unit).sum(axes, keepdim=True) * unit)

        return remove

    def _does(self) -> str:
        return "the component along a direction is removed"


def _putting(edit: Edit, like: Tensor) -> Callable[[Tensor, Looked], None]:
    """`Edit.ready` of an edit that puts in the same numbers whatever was there."""
    numbers = edit._new(like[:1]).expand_as(like[:1]).clone(memory_format=torch.preserve_format)
    mask = None if edit.site.whole else edit._mask(like[:1])

    def put(row: Tensor, looked: Looked) -> None:
        row.copy_(numbers if mask is None else torch.where(mask, numbers, row))

    return put


def _check_for_channels(edit: Edit, name: str) -> None:
    """Raise InterventionError unless the attribute is one number, or one for each of the edit's channels."""
    given, expected = getattr(edit, name), None if edit.site.channels is None else len(edit.site.channels)
    numbers = _array(given)
    if numbers is None or numbers.ndim > 1 or not np.isfinite(numbers).all() or numbers.size not in (1, expected):
        raise InterventionError(
            f"{type(edit).__name__} at {edit.hook}: {name} must be one finite number, or one for each of the "
            f"{expected or 'named'} channels, got {given!r:.80}"
        )


def _for_channels(given: Any, channels: tuple[int, ...] | None, value: Tensor) -> Tensor:
    """One number, or one for each of these channels (0 for the others), broadcastable against `value`."""
    numbers = torch.as_tensor(given, dtype=value.dtype, device=value.device).reshape(-1)
    if len(numbers) == 1:
        return numbers.reshape([1] * value.ndim)
    new = torch.zeros(1, value.shape[1], *[1] * (value.ndim - 2), dtype=value.dtype, device=value.device)
    new[:, list(channels or ())] = numbers.reshape(1, -1, *[1] * (value.ndim - 2))
    return new


def _numbers(given: Any) -> str:
    """A number, several, or a schedule, in words."""
    if isinstance(given, Schedule):
        return str(given)
    numbers = np.atleast_1d(_array(given)).tolist()  # pyright: ignore[reportArgumentType, reportCallIssue]
    return ", ".join(f"{number:g}" for number in numbers[:4]) + (", ..." if len(numbers) > 4 else "")


def _array(given: Any) -> np.ndarray | None:
    """As an array, where it is made of real numbers."""
    try:
        array = np.asarray(given.detach().cpu() if isinstance(given, Tensor) else given)
    except ValueError:  # ragged
        return None
    return array if array.dtype.kind in "buif" else None


def resampled(
    reference: Float[Tensor, " n *shape"], rows: int, *, rng: np.random.Generator
) -> Float[Tensor, " rows *shape"]:
    """`rows` rows of `reference`, drawn with replacement: the reference of a resample ablation (Chan et al. 2022)."""
    drawn = torch.from_numpy(rng.integers(len(reference), size=rows))
    return reference[drawn.to(reference.device)]
