"""Edits in a subspace: remove it, keep only it, or put in the part of another run that lies in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from mechinterp.errors import nearest
from mechinterp.interventions.base import Edit, Looked
from mechinterp.interventions.errors import InterventionError

Part = Literal["remove", "keep"]


@dataclass(frozen=True, eq=False, repr=False)
class _Spanning(Edit):
    """An edit in a subspace of the channels (the same at every cell) or of the whole activation.

    Attributes:
        basis: vectors that span it, of shape `[k, channels]` or `[k, *shape]`; they need be neither orthogonal nor of
            norm 1, but linearly independent.
    """

    basis: Float[Tensor, " k *shape"] = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_tensor("basis", "k vectors of one number a channel, or of one for each number of the activation")
        if self.basis.ndim < 2:
            raise InterventionError(
                f"{self}: basis must have a row for each vector, got shape {list(self.basis.shape)}"
            )
        flat = self.basis.detach().double().flatten(1)
        pivots = torch.linalg.qr(flat.T).R.diagonal().abs()
        if flat.shape[0] > flat.shape[1] or pivots.min() <= 1e-8 * pivots.max().clamp(min=1e-300):
            raise InterventionError(
                f"{self}: the {len(flat)} vectors of the basis are linearly dependent; leave some out"
            )

    @cached_property
    def _bases(self) -> dict[Any, Tensor]:
        return {}

    def check(self, shape: Sequence[int]) -> None:
        super().check(shape)
        if not shape or tuple(self.basis.shape[1:]) not in ((shape[0],), tuple(shape)):
            raise InterventionError(
                f"{type(self).__name__} at {self.hook}: basis has vectors of shape {tuple(self.basis.shape[1:])}; "
                f"expected {tuple(shape[:1])}, one number a channel, or {tuple(shape)}"
            )

    def _inside(self, value: Tensor) -> Tensor:
        """The part of `value` in the subspace."""
        key = (value.shape[1:], value.dtype, value.device)
        if key not in self._bases:
            self.check(value.shape[1:])
            orthonormal = torch.linalg.qr(self.basis.detach().double().flatten(1).T).Q.T
            self._bases[key] = orthonormal.to(value)
        basis = self._bases[key]
        if self.basis.ndim == 2 and value.ndim > 2:  # cell by cell
            return ((value.movedim(1, -1) @ basis.T) @ basis).movedim(-1, 1)
        return ((value.flatten(1) @ basis.T) @ basis).reshape(value.shape)


@dataclass(frozen=True, eq=False, repr=False)
class ProjectSubspace(_Spanning):
    """Remove what lies in a subspace, or keep only that (Ravfogel et al. 2020, for removal).

    Attributes:
        part: "remove" leaves x - P x; "keep" leaves c + P (x - c), with c the center.
        center: what is left where nothing is: 0, or an activation at this hook point, such as a mean.
    """

    part: Part = field(default="remove", kw_only=True)
    center: Float[Tensor, " *shape"] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.part not in get_args(Part):
            raise InterventionError(f"{self}: part must be remove or keep{nearest(str(self.part), get_args(Part))}")
        if self.center is not None:
            self._check_tensor("center", "one activation at this hook point")

    def check(self, shape: Sequence[int]) -> None:
        super().check(shape)
        if self.center is not None and tuple(self.center.shape) != tuple(shape):
            raise InterventionError(f"{self}: center has shape {tuple(self.center.shape)}; expected {tuple(shape)}")

    def _new(self, value: Tensor) -> Tensor:
        away = value if self.center is None else value - self.center.to(value)
        inside = self._inside(away)
        return value - inside if self.part == "remove" else value - away + inside

    def ready(self, like: Tensor) -> Callable[[Tensor, Looked], None]:
        cells = self.basis.ndim == 2 and like.ndim == 4 and like.is_contiguous(memory_format=torch.channels_last)
        if self.momentary or not cells or not self.site.whole or self.center is not None or self.part != "remove":
            return super().ready(like)
        self._inside(like[:1])
        basis = self._bases[like.shape[1:], like.dtype, like.device]
        transposed, channels = basis.T, like.shape[1]

        def remove(row: Tensor, looked: Looked) -> None:
            table = row.permute(0, 2, 3, 1).view(-1, channels)  # the same memory, a cell a row
            table.sub_((table @ transposed) @ basis)

        return remove

    def _does(self) -> str:
        what = "removed" if self.part == "remove" else "all that is kept"
        return f"the part in a subspace of {len(self.basis)} dimensions is {what}"


@dataclass(frozen=True, eq=False, repr=False)
class PatchSubspace(_Spanning):
    """Put in the part of another run that lies in a subspace: x + P (other - x) (Geiger et al. 2023).

    Attributes:
        replacement: the other run's activation, one row for each row of the batch, or one for all.
    """

    replacement: Float[Tensor, " rows *shape"] = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_tensor("replacement", "another run's activation")

    def _new(self, value: Tensor) -> Tensor:
        return value + self._inside(self._fits("replacement", self.replacement, value) - value)

    def _by_row(self) -> dict[str, Tensor]:
        return {"replacement": self.replacement} if len(self.replacement) > 1 else {}

    def _does(self) -> str:
        return f"the part of another run in a subspace of {len(self.basis)} dimensions is put in"
