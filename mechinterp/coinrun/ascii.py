"""Hand-designed levels: a state from text, and text from a state.

The first line is the top, each character one cell; the drawing's bottom left corner is that of the level. Its first
column and last line are the left wall and the floor, so they must be rock. Right of the drawing all is rock, as in a
stock level beyond the coin; above it, the walls at both ends go up to the ceiling and the air between them is free::

    #.....|.....#
    #c...A...S.C#
    #############

====  ==========================================================
``.`` nothing
``#`` rock; tops and middles are chosen as the game does
``A`` the agent, facing right (``a``: facing left), on the ground
``C`` the coin; ``c`` a decoy, a picture of a coin that pays nothing
``S`` a saw; ``s`` its harmless picture
``E`` an enemy walking left (``e``: walking right)
``B`` a crate
``^`` lava; ``~`` its harmless picture
``|`` an invisible barrier that turns enemies back
``x`` a cell that is inert and not drawn, as a coin's old place can be
``=`` a picture of a wall top, passable
====  ==========================================================
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.empty import STOCK, empty_level, is_whole
from mechinterp.coinrun.engine import GameOptions
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.layout import EntityType, Tile
from mechinterp.coinrun.state import GameState, StateError

_TILES = {
    ".": Tile.EMPTY,
    "#": Tile.WALL_MID,
    "C": Tile.COIN,
    "^": Tile.LAVA_MID,
    "~": Tile.LAVA_MID_PICTURE,
    "|": Tile.ENEMY_BARRIER,
    "x": Tile.INVISIBLE,
    "=": Tile.WALL_TOP_PICTURE,
}
_THINGS = "AacSsEeB"
_LETTERS = {int(tile): letter for letter, tile in _TILES.items()} | {
    int(Tile.WALL_TOP): "#",
    int(Tile.LAVA_TOP): "^",
    int(Tile.LAVA_TOP_PICTURE): "~",
}
_MOVERS = (("B", EntityType.CRATE), ("S", EntityType.SAW), ("E", EntityType.ENEMY), ("c", EntityType.COIN))
_LEGEND = "".join(_TILES) + _THINGS


class ArtError(StateError):
    """A drawing that is no level: its message gives line and column, counted from 1, from the top left."""


def level(
    art: str, *, options: GameOptions = STOCK, level_seed: int = 0, width: int = 64, height: int = 64
) -> GameState:
    """The level that the drawing shows, with themes of number 0 (`edits.with_looks` changes them) and a clock at 0.

    Empty lines before and after it and indentation common to all lines do not count. ``level_seed`` names the level
    where results are grouped by it; ``width`` and ``height`` are the grid's sides, in cells.

    Raises:
        ArtError: for a drawing that is empty, ragged, too large, not closed at the left and below, without exactly one
            agent, or with an unknown letter or something in an impossible place; with line and column.

    >>> state = level('''
    ... #....C..#
    ... #.A.....#
    ... #########
    ... ''')
    >>> state.coins
    ((5, 2),)
    >>> print(draw(state))
    #....C..#
    #.A.....#
    #########
    """
    if not isinstance(art, str):
        raise ArtError(f"a drawing is text, one line a row of cells; got a {type(art).__name__}")
    for name, side in (("width", width), ("height", height)):
        if not is_whole(side):
            raise ArtError(f"{name}: {side!r}, a whole number of cells is needed")
    lines = _lines(art)
    if len(lines) > height - 1 or len(lines[0]) > width:
        raise ArtError(f"{len(lines[0])} x {len(lines)} cells: the grid has room for {width} x {height - 1}")
    _require_letters(lines)
    _require_closed(lines)
    state = empty_level(options, level_seed=level_seed, width=width, height=height)
    state = state.replace(grid=_grid(lines, width, height))
    places = _places(lines)
    agents = [(cell, letter) for cell, letter in places if letter in "Aa"]
    if len(agents) != 1:
        raise ArtError(f"{len(agents)} agents{_listed(lines, agents)}: exactly one cell must hold 'A' or 'a'")
    # Bottom up, so that a crate finds the one that it stands on.
    for cell, letter in sorted(places, key=lambda place: (place[1] not in "Aa", place[0][1], place[0][0])):
        try:
            state = _put(state, cell, letter)
        except edits.EditError as error:
            raise ArtError(f"{_where(lines, cell)}: {error}") from None
    return state


def draw(state: GameState) -> str:
    """The level as text: columns from the left wall to the wall at the end, rows from the floor to the highest thing.

    Everything is drawn in the cell that its centre (the agent: its feet) is in; of several things in a cell the agent
    hides coins, these hide pictures, then decoys, enemies, saws, and crates. So a state made by `level` is drawn whole;
    of other states positions within a cell, velocities, looks, trails and clock are lost.
    """
    if not isinstance(state, GameState):
        raise ArtError(f"draw: a {type(state).__name__}, where a GameState is needed")
    last = min(geometry.end_x(state) + 1, state.grid.shape[1] - 1)
    cells = [[_LETTERS[value] for value in row[: last + 1].tolist()] for row in state.grid]
    for letter, cell in _things(state):
        if geometry.inside(state, cell) and cell[0] <= last:
            cells[cell[1]][cell[0]] = letter
    air = ["#", *"." * (last - 1), "#"] if geometry.end_x(state) < last else ["#", *"." * last]
    top = len(cells) - 2  # under the ceiling
    while top > 0 and cells[top] == air:
        top -= 1
    return "\n".join("".join(row) for row in cells[top::-1])


def _lines(art: str) -> list[str]:
    lines = [line.rstrip() for line in art.split("\n")]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise ArtError("the drawing is empty: a level needs at least a floor and an agent")
    indent = min(len(line) - len(line.lstrip()) for line in lines)
    lines = [line[indent:] for line in lines]
    for number, line in enumerate(lines, 1):
        if len(line) != len(lines[0]):
            raise ArtError(f"line {number}: {len(line)} columns, the first line has {len(lines[0])}; make them equal")
    return lines


def _require_letters(lines: Sequence[str]) -> None:
    for number, line in enumerate(lines, 1):
        for column, letter in enumerate(line, 1):
            if letter not in _LEGEND:
                raise ArtError(f"line {number}, column {column}: {letter!r} stands for nothing; known are {_LEGEND}")


def _require_closed(lines: Sequence[str]) -> None:
    for number, line in enumerate(lines, 1):
        if line[0] != "#":
            raise ArtError(f"line {number}, column 1: {line[0]!r}; the first column is the left wall, all '#'")
    for column, letter in enumerate(lines[-1], 1):
        if letter != "#":
            raise ArtError(f"line {len(lines)}, column {column}: {letter!r}; the last line is the floor, all '#'")


def _grid(lines: Sequence[str], width: int, height: int) -> np.ndarray:
    grid = np.full((height, width), Tile.WALL_MID, np.int32)
    drawn = np.array([[_TILES.get(letter, Tile.EMPTY) for letter in line] for line in reversed(lines)], np.int32)
    rows, columns = drawn.shape
    grid[:rows, :columns] = drawn
    while columns > 1 and (drawn[:, columns - 1] == Tile.WALL_MID).all():
        columns -= 1  # the wall at the end goes on up to the ceiling
    grid[rows:-1, 1:columns] = Tile.EMPTY
    return edits.retile(grid)


def _places(lines: Sequence[str]) -> list[tuple[Cell, str]]:
    """The things that are not tiles, and their cells."""
    height = len(lines)
    return [
        ((x, height - 1 - row), letter)
        for row, line in enumerate(lines)
        for x, letter in enumerate(line)
        if letter in _THINGS
    ]


def _put(state: GameState, cell: Cell, letter: str) -> GameState:
    match letter:
        case "A" | "a":
            return edits.move_agent(state, cell, facing="right" if letter == "A" else "left")
        case "c":
            return edits.add_decoy(state, cell)
        case "B":
            return edits.add_crate(state, cell)
        case "E" | "e":
            return edits.add_enemy(state, cell, walking="left" if letter == "E" else "right")
        case "S":
            return edits.add_saw(state, cell)
    return edits.add_saw_picture(state, cell)


def _things(state: GameState) -> list[tuple[str, Cell]]:
    """Letters and cells in the order in which they are written over each other."""
    result: list[tuple[str, Cell]] = []
    for letter, kind in _MOVERS:
        for entity in state.entities[state.entities["type"] == kind]:
            faces = "e" if letter == "E" and entity["vx"] > 0 else letter
            result.append((faces, (int(entity["x"]), int(entity["y"]))))
    for entity in state.entities[state.entities["type"] == EntityType.TRAIL]:
        if entity["image_type"] != EntityType.TRAIL:
            result.append(("s", (int(entity["x"]), int(entity["y"]))))
    result += [("C", cell) for cell in state.coins]
    return [*result, ("A" if state["facing_right"] else "a", geometry.agent_cell(state))]


def _where(lines: Sequence[str], cell: Cell) -> str:
    return f"line {len(lines) - cell[1]}, column {cell[0] + 1}"


def _listed(lines: Sequence[str], places: Sequence[tuple[Cell, str]]) -> str:
    return f" ({'; '.join(_where(lines, cell) for cell, _ in places)})" if places else ""
