"""The lie of a level, read off its grid and entities alone: walls, ground, hazards, and who can get where.

Cells are pairs ``(x, y)`` of whole numbers, x to the right and y upward from the bottom left; cell ``(x, y)`` spans
``[x, x + 1] x [y, y + 1]``. Masks are indexed ``[y, x]``, as `GameState.grid` is. A level is a landscape of columns:
rock in column 0 (the left wall), rock from the column after `end_x` on, and ground of some height in between.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int

from mechinterp.coinrun.layout import EntityType, Tile
from mechinterp.coinrun.state import GameState, StateError

Cell = tuple[int, int]
HazardKind = Literal["saw", "enemy", "lava"]

MAX_RISE = 5
"""The highest step that the agent is asked to climb, in cells (a jump lifts it by 6.4)."""
MAX_GAP = 4
"""The widest gap that the agent is asked to jump, in cells: the game makes none wider."""
ENEMY_MARGIN = 3
"""How far along its row an enemy makes cells unsafe."""

_MAX_GAP_RISE = 2
# Plain numbers: reading a member of an enumeration costs as much as comparing a grid.
_WALL_MID, _WALL_TOP = int(Tile.WALL_MID), int(Tile.WALL_TOP)
_LAVA_MID, _LAVA_TOP = int(Tile.LAVA_MID), int(Tile.LAVA_TOP)
_HEADROOM = 3


@dataclass(frozen=True)
class Hazard:
    """Something that kills on touch; (x, y) is its centre, in cells."""

    kind: HazardKind
    x: float
    y: float

    @property
    def cell(self) -> Cell:
        """The cell that its centre lies in."""
        return int(self.x), int(self.y)


def solid(state: GameState) -> Bool[np.ndarray, "h w"]:
    """Cells of rock: nothing passes."""
    return (state.grid == _WALL_MID) | (state.grid == _WALL_TOP)


def lava(state: GameState) -> Bool[np.ndarray, "h w"]:
    """Cells of lava that kills (its harmless picture is not meant)."""
    return (state.grid == _LAVA_MID) | (state.grid == _LAVA_TOP)


def inside(state: GameState, cell: Cell) -> bool:
    """Whether the cell is one of the grid's."""
    height, width = state.grid.shape
    return 0 <= cell[0] < width and 0 <= cell[1] < height


def start_x(state: GameState) -> int:
    """The level's first column that is not all rock: 1 in a stock level, at the left wall."""
    return int(_open_columns(state)[0])


def end_x(state: GameState) -> int:
    """The level's last column that is not all rock: the column of the stock coin, whatever became of that coin."""
    return int(_open_columns(state)[-1])


def ground_height(state: GameState) -> Int[np.ndarray, " w"]:
    """For each column, the y of the cell where something falling from the sky comes to rest.

    Lava counts as ground here, floating platforms too. A column of rock up to the ceiling has the grid's height.
    """
    filled = solid(state) | lava(state)
    height = len(filled)
    # The ceiling is what is filled from the top row down without a gap; under it the sky begins.
    ceiling = np.logical_and.accumulate(filled[::-1])[::-1]
    below_ceiling = filled & (~ceiling | filled.all(axis=0))
    tops = height - np.argmax(below_ceiling[::-1], axis=0)
    return np.where(below_ceiling.any(axis=0), tops, 0)


def standing(state: GameState) -> Bool[np.ndarray, "h w"]:
    """Cells where an agent can stand: open, rock right under them, and no rock or lava above (the agent is 1.16 high).

    Crates do not count, neither as ground nor as obstacles (the agent walks through them), nor do hazards.
    """
    rock, hot = solid(state), lava(state)
    closed = rock | hot
    result = np.zeros_like(rock)
    result[1:-1] = ~closed[1:-1] & rock[:-2] & ~closed[2:]
    return result


def standing_cells(state: GameState) -> tuple[Cell, ...]:
    """The cells of `standing`, from left to right and bottom to top."""
    return cells_of(standing(state))


def cells_of(mask: Bool[np.ndarray, "h w"]) -> tuple[Cell, ...]:
    """The cells of a mask, from left to right and bottom to top."""
    xs, ys = np.nonzero(mask.T)
    return tuple(zip(xs.tolist(), ys.tolist(), strict=True))


def ground_cell(state: GameState, x: int) -> Cell:
    """The highest cell of column x where an agent can stand.

    Raises:
        StateError: where the column has none.
    """
    column = np.flatnonzero(standing(state)[:, x]) if 0 <= x < state.grid.shape[1] else ()
    if len(column) == 0:
        raise StateError(f"column {x}: nowhere to stand; the level's columns are {start_x(state)} to {end_x(state)}")
    return x, int(column[-1])


def agent_cell(state: GameState) -> Cell:
    """The cell that the agent's feet are in."""
    x, y = state.agent_xy
    return int(x), int(y - float(state.entities["ry"][state.agent_index]) + 0.01)


def on_ground(state: GameState) -> bool:
    """Whether the agent stands, by the game's own rule: not moving up or down, and on a crate or a corner on rock."""
    agent = state.entities[state.agent_index]
    if agent["vy"] != 0:
        return False
    if state["is_on_crate"]:
        return True
    x, y, rx, ry = (float(agent[name]) for name in ("x", "y", "rx", "ry"))
    row = math.floor(y - (ry + 0.01))
    for column in (math.floor(x - (rx - 0.01)), math.floor(x + (rx - 0.01))):
        if not inside(state, (column, row)) or state.grid[row, column] in (_WALL_MID, _WALL_TOP):
            return True  # outside the grid all is rock
    return False


def entity_cells(state: GameState, *kinds: EntityType) -> frozenset[Cell]:
    """The cells that the centres of entities of these types lie in."""
    types, xs, ys = (state.entities[name].tolist() for name in ("type", "x", "y"))
    return frozenset((int(x), int(y)) for kind, x, y in zip(types, xs, ys, strict=True) if kind in kinds)


def hazards(state: GameState) -> tuple[Hazard, ...]:
    """Every saw, enemy and cell of lava."""
    kinds: dict[int, HazardKind] = {EntityType.SAW: "saw", EntityType.ENEMY: "enemy"}
    moving = [
        Hazard(kinds[int(entity["type"])], float(entity["x"]), float(entity["y"]))
        for entity in state.entities
        if int(entity["type"]) in kinds
    ]
    return (*moving, *(Hazard("lava", x + 0.5, y + 0.5) for x, y in cells_of(lava(state))))


def safe(state: GameState) -> Bool[np.ndarray, "h w"]:
    """Cells where an agent can stand and wait a moment.

    Those of `standing` that are not in or beside (diagonally too) a saw or lava, not in or beside an enemy nor within
    `ENEMY_MARGIN` cells along its row, and from which a step to either side does not end in a deadly fall.
    """
    result = standing(state).copy()
    rock, hot = solid(state), lava(state)
    deadly = hot.copy()
    width = rock.shape[1]
    for hazard in hazards(state):
        x, y = hazard.cell
        if not inside(state, hazard.cell):
            continue
        deadly[y, x] = True
        result[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] = False
        if hazard.kind == "enemy":
            result[y, max(x - ENEMY_MARGIN, 0) : x + ENEMY_MARGIN + 1] = False
    for x, y in cells_of(result):
        for beside in (x - 1, x + 1):
            if 0 <= beside < width and _falls_to_death(rock[:, beside], deadly[:, beside], y):
                result[y, x] = False
    return result


def reachable(state: GameState, cells: tuple[Cell, ...]) -> Bool[np.ndarray, "cells cells"]:
    """``[i, j]``: whether an agent that stands in ``cells[i]`` can in principle get to ``cells[j]``.

    A path goes over standing cells, without saws, enemies' present cells or lava, by three kinds of move: to the next
    column, up by `MAX_RISE` at most or down by any height; and over a gap of up to `MAX_GAP` columns, up by 2 at most,
    where the air is free. Crates, which only help, are left out. It is a plan of the level, not a simulation: enemies
    may stand in the way later.

    Raises:
        StateError: for a cell where nobody can stand.
    """
    ground = standing(state)
    for x, y in entity_cells(state, EntityType.SAW, EntityType.ENEMY):
        if inside(state, (x, y)):
            ground[y, x] = False
    nodes = cells_of(ground)
    index = {cell: at for at, cell in enumerate(nodes)}
    for cell in cells:
        if cell not in index:
            raise StateError(f"cell {cell}: nobody can stand there")
    closure = _moves(solid(state) | lava(state), np.array(nodes).reshape(-1, 2))
    for _ in range(max(1, len(nodes).bit_length())):  # squaring doubles the length of the paths that count
        closure = (closure.astype(np.float32) @ closure.astype(np.float32)) > 0
    chosen = [index[cell] for cell in cells]
    return closure[np.ix_(chosen, chosen)]


def _open_columns(state: GameState) -> Int[np.ndarray, " open"]:
    columns = np.flatnonzero(~solid(state).all(axis=0))
    if len(columns) == 0:
        raise StateError("the grid is all rock: it has no open column")
    return columns


def _falls_to_death(rock: Bool[np.ndarray, " h"], deadly: Bool[np.ndarray, " h"], y: int) -> bool:
    """Whether a fall down this column from row y ends in or passes something deadly."""
    while y >= 0 and not rock[y]:
        if deadly[y]:
            return True
        y -= 1
    return False


def _moves(closed: Bool[np.ndarray, "h w"], nodes: Int[np.ndarray, "nodes 2"]) -> Bool[np.ndarray, "nodes nodes"]:
    """Whether one step or jump leads from a standing cell to another, or none is needed."""
    # How many closed cells lie under each height of each column: differences tell at once whether a stretch is free.
    height, width = closed.shape
    counts = np.zeros((width, 1 + height + _HEADROOM), np.int64)
    counts[:, 1 : 1 + height] = closed.T.cumsum(axis=1)
    # And how many columns on the left are not free for the length of a jump, from each height up.
    barred = np.zeros((1 + width, 1 + height), np.int64)
    barred[1:] = (counts[:, :-_HEADROOM] != counts[:, _HEADROOM:]).cumsum(axis=0)
    xs, ys = nodes.T
    gaps, rises = np.abs(xs - xs[:, None]) - 1, ys - ys[:, None]
    start, end = np.nonzero((gaps >= 0) & (gaps <= MAX_GAP) & (rises <= np.where(gaps == 0, MAX_RISE, _MAX_GAP_RISE)))
    x, y, to_x, to_y = xs[start], ys[start], xs[end], ys[end]
    top = np.maximum(y, to_y)
    free = (counts[x, y] == counts[x, top + 2]) & (counts[to_x, to_y] == counts[to_x, top + 2])
    free &= barred[np.maximum(x, to_x), top] == barred[np.minimum(x, to_x) + 1, top]
    moves = np.eye(len(nodes), dtype=bool)
    moves[start[free], end[free]] = True
    return moves
