"""Where things of the world are in the frame and in feature maps, computed from the state alone.

The game draws a square window of ``visibility`` x ``visibility`` cells (13 x 13 in stock CoinRun) centred on the agent
and never clamped to the level, so that a frame of R x R pixels has u = R / visibility pixels a cell and

    column = u * (x - agent_x + visibility / 2),    row = u * (agent_y - y + visibility / 2)

with x and y in cells, y upward, rows downward (`prepare_for_drawing` and `get_screen_rect` in Procgen's
basic-abstract-game.cpp). Pixel (row, column) covers ``[row, row + 1) x [column, column + 1)``. A convolutional network
whose feature maps have S x S cells sees with cell (r, c) the rows from ``R * r / S`` to ``R * (r + 1) / S`` and the
columns likewise, widened by its receptive field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Float

from mechinterp.coinrun import geometry
from mechinterp.coinrun.checks import SettingError
from mechinterp.coinrun.layout import EntityType, Tile
from mechinterp.coinrun.state import GameState

FRAME = 64
"""Pixels along a side of the frames that policies see."""

COIN_RADIUS = 0.265
"""Radius of the coin's disc in cells: its picture leaves most of the cell free (measured from frame differences)."""

_SAW_PICTURES = (2, 3)
"""A saw is what looks like one: its harmless picture is an entity of another type."""

_NAMES = {EntityType.COIN: "decoy"}

Number = TypeVar("Number", float, np.ndarray)


@dataclass(frozen=True)
class Box:
    """A rectangle in a frame, in pixels, possibly reaching out of it."""

    left: float
    top: float
    right: float
    bottom: float

    def mask(self, resolution: int = FRAME) -> Bool[np.ndarray, "resolution resolution"]:
        """The pixels whose centres lie in it."""
        _require_pixels(resolution)
        centres = np.arange(resolution) + 0.5
        rows = (centres >= self.top) & (centres < self.bottom)
        columns = (centres >= self.left) & (centres < self.right)
        return rows[:, None] & columns


@dataclass(frozen=True)
class Camera:
    """The window that a frame shows: its centre and its side, in cells."""

    x: float
    y: float
    visibility: float

    @classmethod
    def of(cls, state: GameState) -> Camera:
        """The window of this state, as it would be drawn now (what an edit has moved is taken where it is)."""
        if state["center_agent"]:
            return cls(*state.agent_xy, state["visibility"])
        sides = state["main_width"], state["main_height"]
        return cls(sides[0] / 2, sides[1] / 2, max(*sides, state["min_visibility"]))

    def pixel(self, x: Number, y: Number, *, resolution: int = FRAME) -> tuple[Number, Number]:
        """World to frame: (row, column), in pixels, of the point (x, y), in cells; arrays are taken as well.

        Raises:
            SettingError: for a resolution under 1.
        """
        unit = self._unit(resolution)
        half = self.visibility / 2
        return unit * (self.y - y + half), unit * (x - self.x + half)  # pyright: ignore[reportReturnType]

    def world(self, row: Number, column: Number, *, resolution: int = FRAME) -> tuple[Number, Number]:
        """Frame to world: the point (x, y), in cells, at (row, column), in pixels; the inverse of `pixel`.

        Raises:
            SettingError: for a resolution under 1.
        """
        unit = self._unit(resolution)
        half = self.visibility / 2
        return column / unit + self.x - half, self.y + half - row / unit  # pyright: ignore[reportReturnType]

    def _unit(self, resolution: int) -> float:
        """Pixels a cell."""
        _require_pixels(resolution)
        return resolution / self.visibility

    def feature_cell(self, x: float, y: float, side: int) -> tuple[int, int] | None:
        """(row, column) of the cell of a ``side`` x ``side`` feature map that shows the point; None if out of view."""
        row, column = self.pixel(float(x), float(y), resolution=side)
        return (int(row), int(column)) if 0 <= row < side and 0 <= column < side else None

    def box(self, left: float, bottom: float, right: float, top: float, *, resolution: int = FRAME) -> Box:
        """The rectangle of the frame that shows this rectangle of the world."""
        row0, column0 = self.pixel(left, top, resolution=resolution)
        row1, column1 = self.pixel(right, bottom, resolution=resolution)
        return Box(left=column0, top=row0, right=column1, bottom=row1)


def coins_in_view(state: GameState, side: int) -> tuple[tuple[int, int], ...]:
    """(row, column), in a ``side`` x ``side`` feature map, of each coin and decoy whose centre is in view.

    Coins come before decoys, and within each the nearer before the farther.
    """
    camera = Camera.of(state)
    found = []
    for cells in (state.coins, geometry.entity_cells(state, EntityType.COIN)):
        centres = sorted(((x + 0.5, y + 0.5) for x, y in cells), key=lambda c: (_distance(state, c), c))
        found += [camera.feature_cell(x, y, side) for x, y in centres]
    return tuple(cell for cell in found if cell is not None)


def boxes(state: GameState, *, resolution: int = FRAME) -> dict[str, tuple[Box, ...]]:
    """The rectangle that each thing fills, in view or not: its body, which its picture hardly goes beyond.

    Keys: "agent" (one box), "coin" (the disc's own square, not its cell's), "decoy", "saw", "enemy", "trail", "crate".
    """
    camera = Camera.of(state)
    around = [(x + 0.5, y + 0.5) for x, y in state.coins]
    result = {"coin": tuple(_disc_box(camera, x, y, resolution) for x, y in around)}
    pictured = np.where(np.isin(state.entities["image_type"], _SAW_PICTURES), EntityType.SAW, state.entities["type"])
    for kind in EntityType:
        found = []
        for entity in state.entities[pictured == kind]:
            x, y, rx, ry = (float(entity[name]) for name in ("x", "y", "rx", "ry"))
            if kind is EntityType.COIN:
                found.append(_disc_box(camera, x, y, resolution))
                continue
            found.append(camera.box(x - rx, y - ry, x + rx, y + ry, resolution=resolution))
        result[_NAMES.get(kind, kind.name.lower())] = tuple(found)
    return result


def masks(state: GameState, *, resolution: int = FRAME) -> dict[str, Bool[np.ndarray, "resolution resolution"]]:
    """Which pixels each kind of thing is drawn on: those of `boxes` (coins and decoys as discs), and "ground", "lava".

    A pixel counts where its centre lies, so at 64 pixels the outline is true to half a pixel; pictures that do not fill
    their box are taken for full, and what one thing hides of another is counted for both.
    """
    camera = Camera.of(state)
    result = {
        name: _any([box.mask(resolution) for box in found], resolution)
        for name, found in boxes(state, resolution=resolution).items()
    }
    centres = np.arange(resolution) + 0.5
    columns_x, rows_y = camera.world(centres, centres, resolution=resolution)
    for name, cells in (("coin", state.coins), ("decoy", geometry.entity_cells(state, EntityType.COIN))):
        result[name] = _any([_disc(columns_x, rows_y, x + 0.5, y + 0.5) for x, y in cells], resolution)
    tiles = _tiles(state, np.floor(columns_x).astype(int), np.floor(rows_y).astype(int))
    result["ground"] = np.isin(tiles, (Tile.WALL_MID, Tile.WALL_TOP, Tile.WALL_TOP_PICTURE))
    result["lava"] = np.isin(tiles, (Tile.LAVA_MID, Tile.LAVA_TOP, Tile.LAVA_MID_PICTURE, Tile.LAVA_TOP_PICTURE))
    return result


def _require_pixels(resolution: int) -> None:
    if not resolution >= 1:
        raise SettingError(f"resolution: {resolution} pixels along a side of the frame, at least 1 is needed")


def _tiles(state: GameState, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """The tile of each (y, x); outside the grid the game draws rock."""
    height, width = state.grid.shape
    inside = ((ys >= 0) & (ys < height))[:, None] & ((xs >= 0) & (xs < width))
    tiles = state.grid[np.clip(ys, 0, height - 1)[:, None], np.clip(xs, 0, width - 1)]
    return np.where(inside, tiles, Tile.WALL_MID)


def _disc(
    xs: Float[np.ndarray, " resolution"], ys: Float[np.ndarray, " resolution"], x: float, y: float
) -> Bool[np.ndarray, "resolution resolution"]:
    return (xs - x) ** 2 + (ys[:, None] - y) ** 2 < COIN_RADIUS**2


def _disc_box(camera: Camera, x: float, y: float, resolution: int) -> Box:
    r = COIN_RADIUS
    return camera.box(x - r, y - r, x + r, y + r, resolution=resolution)


def _any(found: list[np.ndarray], resolution: int) -> Bool[np.ndarray, "resolution resolution"]:
    return np.any(found, axis=0) if found else np.zeros((resolution, resolution), bool)


def _distance(state: GameState, point: tuple[float, float]) -> float:
    x, y = state.agent_xy
    return float(np.hypot(point[0] - x, point[1] - y))
