"""Places that depend on the moment: the cells of a map where the coin is now, or where a cell of the level is shown."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from mechinterp.errors import nearest
from mechinterp.interventions.data import Data, check_number
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.moments import Moment, check_kind

Which = Literal["all", "nearest"]


class Place(Data):
    """Points of a frame that are known when its game is known; as positions of an edit, the cells around them.

    A point lies in the cell of the map that shows it (`coinrun.camera`), and belongs to it with all cells within
    `radius` of that one, along rows and columns. What is out of view is nowhere.
    """

    what: ClassVar[str] = "place"
    radius: int

    def check(self, height: int, width: int) -> None:
        """Raise InterventionError unless a map of this size has such places."""
        if height != width:
            raise InterventionError(f"places need square maps, as frames are; this one has {height} x {width} cells")

    @abstractmethod
    def points(self, moment: Moment) -> Float64[np.ndarray, "points 2"]:
        """(row, column) of each point, as shares of the frame; those from 0 up to 1 are in view."""

    def centres(self, moment: Moment, side: int) -> Int64[np.ndarray, "points 2"]:
        """(row, column) of the cell of each point that is in view, in a map of `side` x `side` cells."""
        found = self.points(moment)
        return (found[((found >= 0) & (found < 1)).all(1)] * side).astype(np.int64)

    def cells(self, moment: Moment, height: int, width: int) -> Bool[Tensor, "height width"] | None:
        """The cells within `radius` of the points; None where no point is in view."""
        self.check(height, width)
        centres = self.centres(moment, height)
        if not len(centres):
            return None
        chosen = torch.zeros(height, width, dtype=torch.bool)
        for row, column in centres.tolist():
            rows, columns = (slice(max(at - self.radius, 0), at + self.radius + 1) for at in (row, column))
            chosen[rows, columns] = True
        return chosen

    def mask(self, height: int, width: int) -> Bool[Tensor, "height width"]:
        """Refused: raises InterventionError, since cells follow only from a game's state."""
        raise InterventionError(
            f"which cells are {self} depends on the game: give the frames' states (`states=`), or play (`rollout_each`)"
        )

    def _near(self) -> str:
        return f" within {self.radius} cells" if self.radius else ""


@dataclass(frozen=True)
class AtObject(Place):
    """Where objects of a kind are shown, by their centres.

    Attributes:
        kind: one of `moments.KINDS`: "coin", "saw", "enemy", "decoy", ...
        radius: cells of the map around each.
        which: all of them in view, or the one nearest to the agent.
    """

    kind: str
    radius: int = 0
    which: Which = "all"

    def __post_init__(self) -> None:
        check_kind(self.kind)
        check_number("AtObject: radius", self.radius, least=0, whole=True)
        if self.which not in get_args(Which):
            raise InterventionError(
                f"AtObject: which must be all or nearest{nearest(str(self.which), get_args(Which))}"
            )

    def points(self, moment: Moment) -> Float64[np.ndarray, "points 2"]:
        found = moment.in_view(self.kind)
        return _shares(moment, found[:1] if self.which == "nearest" else found)

    def __str__(self) -> str:
        which = "the nearest " if self.which == "nearest" else "the "
        return f"at {which}{self.kind}{self._near()}"


@dataclass(frozen=True)
class InLevel(Place):
    """Where the frame shows a point of the level, (x, y) in cells, y upward: a place that stays as the agent walks.

    The middle of the level's cell (7, 3) is ``InLevel(7.5, 3.5)``.
    """

    x: float
    y: float
    radius: int = 0

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            check_number(f"InLevel: {name}", getattr(self, name))
        check_number("InLevel: radius", self.radius, least=0, whole=True)

    def points(self, moment: Moment) -> Float64[np.ndarray, "points 2"]:
        return _shares(moment, np.array([[self.x, self.y]], float))

    def __str__(self) -> str:
        return f"at ({self.x:g}, {self.y:g}) of the level{self._near()}"


@dataclass(frozen=True)
class FromAgent(Place):
    """A point so many of the level's cells right of the agent's centre and above it: a place that walks with it."""

    right: float
    up: float = 0.0
    radius: int = 0

    def __post_init__(self) -> None:
        for name in ("right", "up"):
            check_number(f"FromAgent: {name}", getattr(self, name))
        check_number("FromAgent: radius", self.radius, least=0, whole=True)

    def points(self, moment: Moment) -> Float64[np.ndarray, "points 2"]:
        x, y = moment.state.agent_xy
        return _shares(moment, np.array([[x + self.right, y + self.up]]))

    def __str__(self) -> str:
        return f"{self.right:+g} cells right of the agent, {self.up:+g} above{self._near()}"


@dataclass(frozen=True)
class MapCell(Place):
    """A cell of the map itself, whatever it shows."""

    row: int
    column: int
    radius: int = 0

    def __post_init__(self) -> None:
        for name in ("row", "column", "radius"):
            check_number(f"MapCell: {name}", getattr(self, name), least=0, whole=True)

    def check(self, height: int, width: int) -> None:
        super().check(height, width)
        if self.row >= height or self.column >= width:
            raise InterventionError(f"the map has {height} x {width} cells; there is no cell {self.row}, {self.column}")

    def points(self, moment: Moment) -> Float64[np.ndarray, "points 2"]:
        raise NotImplementedError  # no share of the frame: `centres` says which cell

    def centres(self, moment: Moment, side: int) -> Int64[np.ndarray, "points 2"]:
        return np.array([[self.row, self.column]], np.int64)

    def __str__(self) -> str:
        return f"at row {self.row}, column {self.column}{self._near()}"


def _shares(moment: Moment, points: Float64[np.ndarray, "points 2"]) -> Float64[np.ndarray, "points 2"]:
    """(row, column), as shares of the frame's side, of points (x, y) of the level."""
    row, column = moment.camera.pixel(points[:, 0], points[:, 1], resolution=1)
    return np.stack([row, column], 1)
