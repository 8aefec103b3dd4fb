"""Where in a feature map: a rectangle, a mask that may differ from row to row of the batch, or a `Place`."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from mechinterp.interventions.arrays import array_from_dict, array_to_dict
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.places import Place


@dataclass(frozen=True)
class Box:
    """A rectangle of cells, the same in every row of the batch.

    Attributes:
        rows: first row and the one after the last, counted from the top.
        columns: first column and the one after the last, counted from the left.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]

    def __post_init__(self) -> None:
        for name in ("rows", "columns"):
            given = getattr(self, name)
            try:
                first, end = map(operator.index, given)
            except (TypeError, ValueError):
                first = end = -1
            if not 0 <= first < end:
                raise InterventionError(
                    f"Box.{name} must be (first, one past the last), two whole numbers that name a cell, got "
                    f"{given!r:.80}"
                )
            span = (first, end)
            object.__setattr__(self, name, span)

    def mask(self, height: int, width: int) -> Bool[Tensor, "height width"]:
        """True inside. Raises InterventionError if the box leaves a map of this size."""
        if self.rows[1] > height or self.columns[1] > width:
            raise InterventionError(f"{self} leaves a map of {height} x {width} cells")
        inside = torch.zeros(height, width, dtype=torch.bool)
        inside[self.rows[0] : self.rows[1], self.columns[0] : self.columns[1]] = True
        return inside

    def __str__(self) -> str:
        return "rows {}-{} columns {}-{}".format(*self.rows, *self.columns)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that `json` writes."""
        return {"rows": list(self.rows), "columns": list(self.columns)}


@dataclass(frozen=True, eq=False)
class Mask:
    """Any set of cells; with three axes, a set for each row of the batch (each pair).

    Attributes:
        cells: bool, `[height, width]` or `[rows, height, width]`; owned and read-only. Every row names a cell.
    """

    cells: Bool[np.ndarray, "*rows height width"]

    def __post_init__(self) -> None:
        cells = np.array(self.cells)
        if cells.dtype != np.bool_ or cells.ndim not in (2, 3):
            raise InterventionError(
                f"Mask.cells must be bool of shape [height, width] or [rows, height, width], "
                f"got {cells.dtype} {list(cells.shape)}"
            )
        empty = np.atleast_1d(~cells.any((-2, -1)))
        if empty.any() or not len(empty):
            rows = np.flatnonzero(empty).tolist()
            where = f" in rows {rows[:10]}" if cells.ndim == 3 else ""
            raise InterventionError(f"Mask.cells names no cell{where}; leave such rows out of the batch")
        cells.flags.writeable = False
        object.__setattr__(self, "cells", cells)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mask) and np.array_equal(self.cells, other.cells)

    def __hash__(self) -> int:
        return hash((self.cells.shape, self.cells.tobytes()))

    def mask(self, height: int, width: int) -> Bool[Tensor, "*rows height width"]:
        """The cells. Raises InterventionError if the map has another size."""
        if self.cells.shape[-2:] != (height, width):
            raise InterventionError(
                f"a mask of {self.cells.shape[-2]} x {self.cells.shape[-1]} cells was given for a map of "
                f"{height} x {width}"
            )
        return torch.from_numpy(self.cells.copy())

    def __str__(self) -> str:
        return "masked"

    def __repr__(self) -> str:
        return f"Mask({self.cells.sum()} cells of {' x '.join(map(str, self.cells.shape))})"

    def to_dict(self) -> dict[str, Any]:
        """As plain values that `json` writes."""
        return {"cells": array_to_dict(self.cells)}


Positions = Box | Mask | Place


def positions_from_dict(data: Mapping[str, Any]) -> Positions:
    """The inverse of `to_dict` of each. Raises ValueError, TypeError or KeyError for what they did not write."""
    if "type" in data:
        return Place.from_dict(data)
    return Mask(array_from_dict(data["cells"])) if "cells" in data else Box(data["rows"], data["columns"])


def around(cells: Int[np.ndarray, "rows 2"], *, side: int, radius: int = 0) -> Mask:
    """The square of cells within `radius` of one (row, column) for each row of the batch, cut off at the map's edge.

    Args:
        cells: where the coin is, say: (row, column) in a map of `side` x `side` cells.
        side: cells along each side of the map.

    Raises:
        InterventionError: a cell outside the map (-1: not in view).
    """
    cells = np.asarray(cells)
    if cells.ndim != 2 or cells.shape[1] != 2 or radius < 0:
        raise InterventionError(f"around: cells must be [rows, 2] and radius >= 0, got {cells.shape}, radius {radius}")
    outside = ((cells < 0) | (cells >= side)).any(1)
    if outside.any():
        rows = np.flatnonzero(outside).tolist()
        raise InterventionError(
            f"around: {len(rows)} cells lie outside a {side} x {side} map (rows {rows[:10]}, the first at "
            f"{tuple(cells[rows[0]].tolist())}); leave these rows out of the batch"
        )
    grid = np.arange(side)
    near = np.abs(grid[None, :, None] - cells.T[:, None, :]) <= radius  # axis, cell, row
    return Mask(near[0].T[:, :, None] & near[1].T[:, None, :])
