"""Places that depend on the moment: the cells of a map where the coin is now, or where a cell of the level is shown."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from mechinterp.errors import nearest
from mechinterp.interventions.data import Data, check_number
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.moments import Moment, Point, check_kind

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
    def points(self, moment: Moment) -> Sequence[Point]:
        """The points (x, y), in the level's cells, in view or not."""

    def centres(self, moment: Moment, side: int) -> tuple[tuple[int, int], ...]:
        """(row, column) of the cell of each point that is in view, in a map of `side` x `side` cells."""
        return moment.map_cells(self.points(moment), side)

    def cells(self, centres: Sequence[tuple[int, int]], side: int) -> Bool[Tensor, "side side"]:
        """The cells within `radius` of these."""
        chosen = np.zeros((side, side), np.bool_)
        for row, column in centres:
            rows, columns = (slice(max(at - self.radius, 0), at + self.radius + 1) for at in (row, column))
            chosen[rows, columns] = True
        return torch.from_numpy(chosen)

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

    def points(self, moment: Moment) -> Sequence[Point]:
        if self.which == "all":
            return moment.objects(self.kind)
        found = moment.in_view(self.kind)
        if not found:
            return ()
        return (min(found, key=lambda point: math.dist(point, moment.agent_xy)),)

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

    def points(self, moment: Moment) -> Sequence[Point]:
        return ((self.x, self.y),)

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

    def points(self, moment: Moment) -> Sequence[Point]:
        x, y = moment.agent_xy
        return ((x + self.right, y + self.up),)

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

    def points(self, moment: Moment) -> Sequence[Point]:
        raise NotImplementedError  # no point of the level: `centres` says which cell

    def centres(self, moment: Moment, side: int) -> tuple[tuple[int, int], ...]:
        return ((self.row, self.column),)

    def __str__(self) -> str:
        return f"at row {self.row}, column {self.column}{self._near()}"
