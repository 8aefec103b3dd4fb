"""Natural places for a coin: ground that the agent can walk to, with nothing on the way that stops or kills it.

In a stock level the coin lies on the ground, where the agent can get. A coin put at the height of the agent's feet,
whatever is there, hangs in the air in most states, more often on the left than on the right, since levels are played
from the left. So a natural coin lies on the ground that the agent stands on or would come down on, all of it level and
safe (`geometry.safe`: no saw, lava, enemy or deadly edge in it or next to it) from the agent to the coin, without a
crate on it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from mechinterp.coinrun import geometry
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.layout import EntityType
from mechinterp.coinrun.scenes.strata import SceneError
from mechinterp.coinrun.state import GameState

NEAR, FAR = 2, 5
"""Columns between agent and coin in a pair: nearer it would be taken by chance, farther it could be out of view."""

MOST_DROP = 5
"""Cells that the agent may be above the ground: a coin there is still in view."""


class NoRoom(SceneError):
    """A state that has no room for an edit; its message is a reason that many states can share."""


def landing(state: GameState) -> Cell:
    """The cell that the agent stands in, or would come to stand in if it fell straight down.

    Raises:
        NoRoom: no ground so near below it, or lava there, or the agent is higher than a frame shows.
    """
    x, y = geometry.agent_cell(state)
    if not geometry.inside(state, (x, y)):
        raise NoRoom("the agent is outside the grid")
    ground = np.flatnonzero(geometry.solid(state)[:y, x])
    bottom = int(ground[-1]) + 1 if len(ground) else 0
    if not geometry.standing(state)[bottom, x]:
        raise NoRoom("no ground to stand on under the agent")
    if y - bottom > MOST_DROP:
        raise NoRoom("the agent is too high above the ground")
    return x, bottom


def free_ways(state: GameState, columns: Sequence[int]) -> tuple[int, list[int]]:
    """The height of the agent's ground, and which of these columns, relative to it, have a natural place for a coin.

    Args:
        columns: signed distances from the agent's column.

    Raises:
        NoRoom: the agent has no ground itself; see `landing`.
    """
    x, y = landing(state)
    level = geometry.standing(state)[y].copy()
    reach = [_reaches(level, x, distance) for distance in columns]
    if not any(reach):  # the common case, and the costly part is still to come
        return y, []
    level &= safe_row(state, y)
    return y, [distance for distance in columns if _reaches(level, x, distance)]


def safe_row(state: GameState, y: int) -> Bool[np.ndarray, " w"]:
    """Which cells of a row are safe to stand in, and without a crate."""
    row = geometry.safe(state)[y].copy()
    for x, height in geometry.entity_cells(state, EntityType.CRATE):
        if height == y and 0 <= x < len(row):
            row[x] = False
    return row


def _reaches(level: Bool[np.ndarray, " w"], x: int, distance: int) -> bool:
    """Whether all columns from the agent's to this one are level ground."""
    first, last = sorted((x, x + distance))
    return first >= 0 and last < len(level) and bool(level[first : last + 1].all())


def level_places(state: GameState, least: int) -> dict[Cell, int]:
    """Cells where level, safe ground without crates goes on for `least` columns or more to both sides, and how far.

    Counted up to the farthest that a coin of a pair may be away.
    """
    ground = geometry.standing(state)
    rows = np.flatnonzero(ground.sum(1) > 2 * least)
    found: dict[Cell, int] = {}
    safe = geometry.safe(state)
    for x, y in geometry.entity_cells(state, EntityType.CRATE):
        if geometry.inside(state, (x, y)):
            safe[y, x] = False
    for y in rows.tolist():
        for x in np.flatnonzero(safe[y]).tolist():
            far = next((d - 1 for d in range(1, FAR + 1) if not _both(safe[y], x, d)), FAR)
            if far >= least:
                found[x, y] = far
    return found


def _both(level: Bool[np.ndarray, " w"], x: int, distance: int) -> bool:
    return x - distance >= 0 and x + distance < len(level) and bool(level[x - distance] and level[x + distance])
