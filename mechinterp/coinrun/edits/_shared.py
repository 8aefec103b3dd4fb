"""The error of an edit that makes no sense, and the looks at a state that the edits share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import wraps
from operator import index
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np
from jaxtyping import Int, Shaped

from mechinterp.coinrun import geometry
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.layout import ENTITY_DTYPE, EntityType, Tile
from mechinterp.coinrun.state import GameState, StateError

P = ParamSpec("P")
ResultT = TypeVar("ResultT")


class EditError(StateError):
    """An edit that makes no sense on this state: nothing was changed."""


def of_state(edit: Callable[Concatenate[GameState, P], ResultT]) -> Callable[Concatenate[GameState, P], ResultT]:
    """The edit, which refuses with an EditError what is no GameState."""

    @wraps(edit)
    def checked(state: GameState, *args: P.args, **kwargs: P.kwargs) -> ResultT:
        if not isinstance(state, GameState):
            inside = "; give its .state" if hasattr(state, "state") else ""
            raise EditError(f"{edit.__name__}: a {type(state).__name__}, where a GameState is needed{inside}")
        return edit(state, *args, **kwargs)

    return checked


def whole(value: object, what: str) -> int:
    """The value as a whole number that 32 bits can hold.

    Raises:
        EditError: where it is none.
    """
    try:
        number = index(value)  # pyright: ignore[reportArgumentType]
    except TypeError:
        raise EditError(f"{what}: {value!r}, expected a whole number") from None
    if not -(2**31) <= number < 2**31:
        raise EditError(f"{what}: {value!r} is beyond 32 bits")
    return number


def finite(value: object, what: str) -> float:
    """The value as a number that is neither infinite nor NaN.

    Raises:
        EditError: where it is none.
    """
    if not isinstance(value, int | float | np.integer | np.floating) or not abs(value) < 1e9:
        raise EditError(f"{what}: {value!r}, expected a finite number")
    return float(value)


def as_cell(cell: object, what: str) -> Cell:
    """The cell as a pair of whole numbers, whatever kind of pair it came as.

    Raises:
        EditError: where it is none.
    """
    try:
        x, y = cell  # pyright: ignore[reportGeneralTypeIssues]
        return index(x), index(y)
    except (TypeError, ValueError):
        raise EditError(f"{what} at {cell!r}: a cell is a pair of whole numbers (x, y)") from None


def is_one_of(value: object, allowed: Collection[int | str]) -> bool:
    """Whether the value is one of these (an array is none, and comparing it would give an array)."""
    return isinstance(value, int | str) and value in allowed


def as_cells(cells: object, what: str) -> list[Cell]:
    """The cells, each as `as_cell` gives it.

    Raises:
        EditError: where they are not several cells; one cell is to be given as ``[(x, y)]``.
    """
    if isinstance(cells, str) or not isinstance(cells, Iterable):
        raise EditError(f"{what} in {cells!r:.80}: several cells are needed, such as [(3, 1), (4, 1)]")
    return [as_cell(cell, what) for cell in cells]


def tile_at(state: GameState, cell: Cell, what: str) -> Tile:
    """The tile of a cell that something is to be put in.

    Raises:
        EditError: for a cell outside the grid.
    """
    x, y = cell
    height, width = state.grid.shape
    if not geometry.inside(state, cell):
        raise EditError(f"{what} at {cell}: outside the grid; x is 0 to {width - 1}, y is 0 to {height - 1}")
    return Tile(int(state.grid[y, x]))


def require_open(state: GameState, cell: Cell, what: str) -> Tile:
    """The tile of a cell that must hold neither rock nor lava.

    Raises:
        EditError: where it does, with the nearest cell of that column that does not.
    """
    tile = tile_at(state, cell, what)
    if tile in (Tile.WALL_MID, Tile.WALL_TOP, Tile.LAVA_MID, Tile.LAVA_TOP):
        kind = "rock" if tile in (Tile.WALL_MID, Tile.WALL_TOP) else "lava"
        raise EditError(f"{what} at {cell}: that cell is {kind}; {_open_in_column(state, cell)}")
    return tile


def with_cell(state: GameState, cell: Cell, tile: Tile) -> GameState:
    """The same with one cell of the grid changed."""
    grid = state.grid.copy()
    grid[cell[1], cell[0]] = tile
    return state.replace(grid=grid)


def new_entity(kind: EntityType, x: float, y: float, **fields: float) -> Shaped[np.ndarray, ""]:
    """An entity as the game's constructor makes it, its centre at (x, y), with some fields set otherwise."""
    entity = np.zeros((), ENTITY_DTYPE)
    defaults = {
        "x": x,
        "y": y,
        "rx": 0.5,
        "ry": 0.5,
        "type": kind,
        "image_type": kind,
        "fire_time": -1,
        "spawn_time": -1,
        "expire_time": -1,
        "friction": 1,
        "auto_erase": 1,
        "alpha": 1,
        "health": 1,
        "theta": -100,
        "grow_rate": 1,
        "alpha_decay": 1,
    }
    for name, value in {**defaults, **fields}.items():
        entity[name] = whole(value, name) if ENTITY_DTYPE[name].kind == "i" else value
    return entity


def _open_in_column(state: GameState, cell: Cell) -> str:
    x, y = cell
    closed = geometry.solid(state) | geometry.lava(state)
    free = np.flatnonzero(~closed[:, x])
    if len(free) == 0:
        return f"column {x} is all rock, the level's columns are {geometry.start_x(state)} to {geometry.end_x(state)}"
    nearest = int(free[np.abs(free - y).argmin()])
    return f"the nearest open cell of column {x} is {(x, nearest)}"


def support_cells(state: GameState) -> frozenset[Cell]:
    """The cells right under the agent's body, where it stands on something; none in the air."""
    if not geometry.on_ground(state):
        return frozenset()
    body = body_cells(state)
    feet = min(y for _, y in body)
    return frozenset((x, feet - 1) for x, _ in body)


def body_cells(state: GameState) -> frozenset[Cell]:
    """The cells that the game finds the agent in: all that its body overlaps by more than a thousandth of a cell."""
    agent = state.entities[state.agent_index]
    spans = []
    for axis in "xy":
        centre, radius = float(agent[axis]), float(agent["r" + axis]) - 0.001
        spans.append(range(int(centre - radius), int(centre + radius) + 1))
    return frozenset((x, y) for x in spans[0] for y in spans[1])


def retile(grid: Int[np.ndarray, "h w"]) -> Int[np.ndarray, "h w"]:
    """The grid with rock and lava drawn as the game draws them: a top tile under anything else, else a middle.

    The top row, which nothing is above, is all middle.

    Raises:
        EditError: for what is no grid of cells.
    """
    if not isinstance(grid, np.ndarray) or grid.ndim != 2 or grid.dtype.kind not in "iu" or len(grid) == 0:
        raise EditError(f"retile: a {type(grid).__name__}; an array of whole numbers with axes (y, x) is needed")
    result = grid.copy()
    for middle, top in (
        (Tile.WALL_MID, Tile.WALL_TOP),
        (Tile.LAVA_MID, Tile.LAVA_TOP),
        (Tile.LAVA_MID_PICTURE, Tile.LAVA_TOP_PICTURE),
    ):
        here = (grid == middle) | (grid == top)
        covered = np.ones_like(here)
        covered[:-1] = here[1:]
        result[here] = np.where(covered, middle, top)[here]
    return result
