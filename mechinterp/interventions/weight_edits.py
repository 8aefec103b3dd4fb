"""The kinds of edits of weights, as data: add, change single numbers, add a low rank, blind to a direction."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mechinterp.errors import nearest
from mechinterp.interventions.data import Data
from mechinterp.interventions.errors import InterventionError

Way = Literal["add", "set"]


class WeightEdit(Data):
    """A change of one parameter of a network.

    Attributes:
        parameter: its name, as in `named_parameters`: "block2.res1.conv1.weight".
    """

    what: ClassVar[str] = "weight edit"
    parameter: str

    def __post_init__(self) -> None:
        if not isinstance(self.parameter, str):
            raise InterventionError(f"{type(self).__name__}: a parameter's name is needed, got {self.parameter!r:.80}")
        for field in dataclasses.fields(self):  # pyright: ignore[reportArgumentType]
            given = getattr(self, field.name)
            if isinstance(given, np.ndarray):
                given = torch.from_numpy(given.copy())
                object.__setattr__(self, field.name, given)
            if isinstance(given, Tensor) and not bool(torch.isfinite(given).all()):
                raise InterventionError(f"{self}: {field.name} has numbers that are not finite")

    @abstractmethod
    def changed(self, weight: Tensor) -> Tensor:
        """The new weight. Raises InterventionError where the edit does not fit one of its shape."""

    @abstractmethod
    def _does(self) -> str:
        """What is done, in words."""

    def describe(self) -> str:
        """One sentence: which parameter, and what is done."""
        return f"{self.parameter}: {self._does()}."

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.parameter}"

    def __repr__(self) -> str:
        def short(value: object) -> str:
            return f"tensor{list(value.shape)}" if isinstance(value, Tensor) else repr(value)

        fields = dataclasses.fields(self)  # pyright: ignore[reportArgumentType]
        return f"{type(self).__name__}({', '.join(f'{one.name}={short(getattr(self, one.name))}' for one in fields)})"

    def _unfit(self, weight: Tensor, what: str) -> InterventionError:
        return InterventionError(f"{self}: {what}; {self.parameter} has shape {tuple(weight.shape)}")


@dataclass(frozen=True, eq=False, repr=False)
class AddWeights(WeightEdit):
    """Add a tensor of the parameter's shape, or one of a part of it.

    Attributes:
        delta: what is added.
        first: where the part begins, an index for each axis; None: at the beginning.
    """

    parameter: str
    delta: Float[Tensor, " *shape"]
    first: tuple[int, ...] | None = None

    def changed(self, weight: Tensor) -> Tensor:
        first = self.first or (0,) * weight.ndim
        ends = [at + size for at, size in zip(first, self.delta.shape, strict=False)]
        fits = len(first) == self.delta.ndim == weight.ndim and min((*first, 0)) >= 0
        if not fits or any(end > size for end, size in zip(ends, weight.shape, strict=True)):
            raise self._unfit(weight, f"delta has shape {tuple(self.delta.shape)} and begins at {first}")
        new = weight.clone()
        new[tuple(slice(at, end) for at, end in zip(first, ends, strict=True))] += self.delta.to(weight)
        return new

    def _does(self) -> str:
        return f"a tensor of {self.delta.numel()} numbers and norm {float(self.delta.norm()):.3g} is added"


@dataclass(frozen=True, eq=False, repr=False)
class SparseWeights(WeightEdit):
    """Change single numbers.

    Attributes:
        at: the index of each, a row each.
        values: what is added to it, or what it is set to.
        way: "add" or "set".
    """

    parameter: str
    at: Int[Tensor, "numbers axes"]
    values: Float[Tensor, " numbers"]
    way: Way = "add"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.way not in get_args(Way):
            raise InterventionError(f"{self}: way must be add or set{nearest(str(self.way), get_args(Way))}")
        if self.at.ndim != 2 or not len(self.at) or self.values.shape != self.at.shape[:1]:
            raise InterventionError(
                f"{self}: at needs a row for each number and values a number for each row, got "
                f"{list(self.at.shape)} and {list(self.values.shape)}"
            )
        if len(self.at.unique(dim=0)) != len(self.at):
            raise InterventionError(f"{self}: at names a number twice")

    def changed(self, weight: Tensor) -> Tensor:
        if self.at.shape[1] != weight.ndim or bool(((self.at < 0) | (self.at >= torch.tensor(weight.shape))).any()):
            raise self._unfit(weight, "at names numbers that are not there")
        index = tuple(column.to(weight.device) for column in self.at.T)
        new, values = weight.clone(), self.values.to(weight)
        new[index] = values + new[index] if self.way == "add" else values
        return new

    def _does(self) -> str:
        return f"{len(self.at)} numbers are {'changed' if self.way == 'add' else 'set'}"


@dataclass(frozen=True, eq=False, repr=False)
class LowRank(WeightEdit):
    """Add ``left @ right``, over output channels and all else (all taps of all input channels in one row).

    Attributes:
        left: `[outputs, rank]`.
        right: `[rank, inputs]`.
    """

    parameter: str
    left: Float[Tensor, "outputs rank"]
    right: Float[Tensor, "rank inputs"]

    def changed(self, weight: Tensor) -> Tensor:
        flat = weight.flatten(1) if weight.ndim > 1 else weight[:, None]
        shapes = tuple(self.left.shape), tuple(self.right.shape)
        if self.left.ndim != 2 or self.right.ndim != 2 or (shapes[0][0], shapes[1][1]) != tuple(flat.shape):
            raise self._unfit(weight, f"left and right have shapes {shapes[0]} and {shapes[1]}")
        if shapes[0][1] != shapes[1][0]:
            raise self._unfit(weight, f"left and right have shapes {shapes[0]} and {shapes[1]}, of different ranks")
        return weight + (self.left @ self.right).to(weight).reshape(weight.shape)

    def _does(self) -> str:
        return f"a matrix of rank {self.left.shape[1]} is added"


@dataclass(frozen=True, eq=False, repr=False)
class Blind(WeightEdit):
    """Take a feature's direction out of what a kernel reads: w - (w . d) d / (d . d), at each tap (Hilton et al. 2020).

    The layer then gives what it gave, as if its input had been projected off the direction at every place.

    Attributes:
        direction: one number for each input channel. Of a linear layer that reads a flattened map, one for each channel
            (the same at every cell) or for each of its inputs.
    """

    parameter: str
    direction: Float[Tensor, " channels"]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.direction.ndim != 1 or not bool((self.direction != 0).any()):
            raise InterventionError(f"{self}: direction must be one number an input channel, and not zero")

    def changed(self, weight: Tensor) -> Tensor:
        if (
            weight.ndim < 2
            or weight.shape[1] % len(self.direction)
            or (weight.ndim > 2 and weight.shape[1] != len(self.direction))
        ):
            raise self._unfit(weight, f"direction has {len(self.direction)} numbers, one for each input channel")
        unit = self.direction.double().to(weight.device)
        unit = unit / unit.norm()
        taps = weight.double().reshape(len(weight), len(unit), -1)  # channels first, as maps are flattened
        along = torch.einsum("oct,c->ot", taps, unit)
        return (taps - unit[None, :, None] * along[:, None]).reshape(weight.shape).to(weight)

    def _does(self) -> str:
        return "a direction of its input is taken out"
