"""The kinds of edits that put something in: ablate, patch, clamp."""

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
from mechinterp.interventions.numbers import check_for_channels, for_channels, in_words

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
        return _putting(self, like)

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
        return _putting(self, like)

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
        check_for_channels(self, "value")

    def _new(self, value: Tensor) -> Tensor:
        return for_channels(self.value, self.site.channels, value)

    def ready(self, like: Tensor) -> Callable[[Tensor, Looked], None]:
        return _putting(self, like)

    def _does(self) -> str:
        return f"set to {in_words(self.value)}"


def _putting(edit: Edit, like: Tensor) -> Callable[[Tensor, Looked], None]:
    """`Edit.ready` of an edit that puts in the same numbers whatever was there."""
    numbers = edit._new(like[:1]).expand_as(like[:1]).clone(memory_format=torch.preserve_format)
    mask = edit._mask(like[:1])

    def put(row: Tensor, looked: Looked) -> None:
        here = mask if looked[0] is None else edit._mask_at(looked[0], row)
        torch.where(here, numbers, row, out=row)

    return put


def resampled(
    reference: Float[Tensor, " n *shape"], rows: int, *, rng: np.random.Generator
) -> Float[Tensor, " rows *shape"]:
    """`rows` rows of `reference`, drawn with replacement: the reference of a resample ablation (Chan et al. 2022)."""
    drawn = torch.from_numpy(rng.integers(len(reference), size=rows))
    return reference[drawn.to(reference.device)]
