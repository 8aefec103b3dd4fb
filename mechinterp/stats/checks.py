"""What the functions of `stats` refuse, and how they say so."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike

from mechinterp.errors import MechinterpError


class StatsError(MechinterpError):
    """Data or an option that no honest number can be made from."""


class TooFewSamples(StatsError):
    """Fewer independent samples than the answer needs; `have`, `need` and `unit` say how many of what."""

    def __init__(self, what: str, *, have: int, need: int, unit: str) -> None:
        super().__init__(f"{what}: needs at least {need} {unit}, got {have}")
        self.have, self.need, self.unit = have, need, unit


class UndefinedRatio(StatsError):
    """The denominator may well be zero, so the ratio has no finite interval."""


class Clusters(NamedTuple):
    """Rows gathered into the units that are independent of one another."""

    index: Int[np.ndarray, " rows"]
    """The cluster of each row, 0 .. count - 1."""
    rows: Float[np.ndarray, " clusters"]
    """How many rows each cluster has."""

    @property
    def count(self) -> int:
        """How many clusters there are: the n of everything that is made from them."""
        return len(self.rows)

    def sums(self, values: Float[np.ndarray, " rows *columns"]) -> Float[np.ndarray, " clusters *columns"]:
        """The sum of the rows of each cluster."""
        if self.count == len(values):  # every row is its own cluster; only the order may differ
            out = np.empty_like(values)
            out[self.index] = values
            return out
        order = np.argsort(self.index, kind="stable")
        starts = np.concatenate([[0], np.cumsum(self.rows[:-1])]).astype(np.intp)
        return np.add.reduceat(values[order], starts, axis=0)


def clustered(rows: int, clusters: ArrayLike | None, *, name: str) -> Clusters:
    """Read the labels of `clusters` (any numbers or strings, one a row); None makes every row its own cluster.

    Raises:
        StatsError: not exactly one label a row, or a label that is NaN, masked or missing.
    """
    if clusters is None:
        return Clusters(np.arange(rows), np.ones(rows))
    _whole(clusters, name=f"{name}, clusters")
    labels: Shaped[np.ndarray, " rows"] = np.asarray(clusters)
    if labels.shape != (rows,):
        raise StatsError(f"{name}: clusters must be one label for each of the {rows} rows, got shape {labels.shape}")
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        raise StatsError(f"{name}: {int(np.isnan(labels).sum())} of the {rows} cluster labels are NaN")
    try:
        _, index, counts = np.unique(labels, return_inverse=True, return_counts=True)
    except TypeError as error:  # None or pandas.NA among them, or several types
        raise StatsError(f"{name}: clusters must be all numbers or all text, and none missing ({error})") from error
    return Clusters(index, counts.astype(float))


def numbers(values: ArrayLike, *, name: str, ndim: int = 1) -> Float[np.ndarray, " rows *columns"]:
    """`values` as finite float64 of `ndim` axes, at least one row.

    Raises:
        StatsError: another shape, no rows, not real numbers, or any value that is masked or not finite.
    """
    _whole(values, name=name)
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:  # rows of several lengths, say
        raise StatsError(f"{name}: values must be an array of {ndim} axes: {error}") from error
    if array.dtype.kind not in "buif":
        raise StatsError(f"{name}: values must be real numbers, got dtype {array.dtype}{_missing(array)}")
    if array.ndim != ndim:
        raise StatsError(f"{name}: values must have {ndim} axes, got shape {array.shape}")
    if array.size == 0:
        raise StatsError(f"{name}: there are no values (shape {array.shape})")
    array = array.astype(float)
    bad = ~np.isfinite(array)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        where = first[0] if ndim == 1 else first
        raise StatsError(
            f"{name}: {int(bad.sum())} of {array.size} values are not finite (first: {array[first]} at {where}); "
            "leave out what was not measured, and say so in n"
        )
    return array


def _whole(values: ArrayLike, *, name: str) -> None:
    """Refuse masked arrays, alone or in a list: numpy reads them as if nothing were masked."""
    parts = [values, *values] if isinstance(values, (list, tuple)) else [values]
    hidden = sum(int(np.ma.getmaskarray(part).sum()) for part in parts if isinstance(part, np.ma.MaskedArray))
    if hidden:
        raise StatsError(f"{name}: {hidden} values are masked; leave out what was not measured, and say so in n")


def _missing(array: np.ndarray) -> str:
    """How many values of an object array are missing (None, NaN, pandas.NA), in words."""
    if array.dtype.kind != "O":
        return ""
    missing = sum(value is None or type(value).__name__ in ("NAType", "NaTType") for value in array.ravel())
    return f", of which {missing} of {array.size} are missing; leave them out" if missing else ""


def fraction(value: float, *, name: str, what: str) -> float:
    """`value` where it lies strictly between 0 and 1, else StatsError."""
    if not (isinstance(value, (int, float)) and math.isfinite(value) and 0 < value < 1):
        raise StatsError(f"{name}: {what} must lie strictly between 0 and 1, got {value!r}")
    return float(value)


def generator(rng: np.random.Generator, *, name: str, error: type[MechinterpError] = StatsError) -> np.random.Generator:
    """`rng`, where it is a generator and no seed, say; else StatsError (or `error`)."""
    if not isinstance(rng, np.random.Generator):
        raise error(f"{name}: rng must be a numpy.random.Generator, e.g. np.random.default_rng(0), got {rng!r:.80}")
    return rng


def require(have: int, *, at_least: int, unit: str, what: str) -> None:
    """Refuse to go on with fewer than `at_least` samples.

    Raises:
        TooFewSamples: `have` is below `at_least`.
    """
    if have < at_least:
        raise TooFewSamples(what, have=have, need=at_least, unit=unit)
