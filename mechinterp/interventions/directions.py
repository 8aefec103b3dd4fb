"""Edits along a direction: steer, project out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mechinterp.interventions.base import Edit, Looked
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.moments import Moment
from mechinterp.interventions.numbers import as_numbers, in_words
from mechinterp.interventions.schedules import Schedule


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
        numbers = as_numbers(self.strength)
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
        if isinstance(self.strength, Schedule) and self.site.whole:
            direction = self._direction(like)

            def scheduled(row: Tensor, looked: Looked) -> None:
                row.add_(looked[1] * direction)

            return scheduled
        if self.momentary:
            return super().ready(like)
        zero = torch.zeros_like(like[:1])
        step = torch.where(self._mask(like[:1]), self._new(zero), zero)  # outside, adding 0 changes nothing

        def add(row: Tensor, looked: Looked) -> None:
            row.add_(step)

        return add

    def _does(self) -> str:
        return f"a direction of norm {float(self.direction.norm()):.3g} is added, times {in_words(self.strength)}"

    def __str__(self) -> str:
        return f"Steer {self.site.label} times {in_words(self.strength)}"

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
