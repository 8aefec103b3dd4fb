"""Edits of the level as a whole: where it ends, and which way round it is."""

from __future__ import annotations

import numpy as np

from mechinterp.coinrun import geometry
from mechinterp.coinrun.edits._shared import EditError, body_cells, of_state, whole
from mechinterp.coinrun.layout import EntityType, Tile
from mechinterp.coinrun.state import GameState


@of_state
def move_end(state: GameState, end_x: int) -> GameState:
    """The level's last column is ``end_x``: the wall at the end stands nearer, or farther.

    Nearer, the columns beyond become rock, and saws, enemies and crates in them go. Farther, the ground of the old last
    column goes on level. Coins stay where they are.

    Raises:
        EditError: where no column would be left, or the grid is too narrow, or coin, decoy or agent would be buried.
    """
    end_x = whole(end_x, "end_x")
    first, last = geometry.start_x(state), geometry.end_x(state)
    most = state.grid.shape[1] - 2
    if not first <= end_x <= most:
        raise EditError(f"end_x: {end_x}, allowed is {first} (the first column) to {most}; now it is {last}")
    grid = state.grid.copy()
    if end_x >= last:
        grid[:, last + 1 : end_x + 1] = _continued(grid[:, last])[:, None]
        return state.replace(grid=grid)
    things = [("coin", cell) for cell in state.coins] + [("agent", cell) for cell in body_cells(state)]
    things += [("decoy", cell) for cell in geometry.entity_cells(state, EntityType.COIN)]
    for name, cell in sorted(things, reverse=True):
        if cell[0] > end_x:
            raise EditError(f"end_x: {end_x} would bury the {name} at {cell}; move or remove it first")
    grid[:, end_x + 1 :] = Tile.WALL_MID
    return state.replace(grid=grid, entities=state.entities[state.entities["x"] < end_x + 1])


@of_state
def mirrored(state: GameState) -> GameState:
    """The level, its inhabitants and their movement turned left to right; the walls at both ends stay where they are.

    Column x becomes ``start_x + end_x - x``, so a stock level then begins at its last column, with the coin in its
    first. Turning twice gives the same state back, up to the rounding of positions (4e-6 cells) in the middle of an
    episode, exactly at its start.
    """
    first, last = geometry.start_x(state), geometry.end_x(state)
    grid = state.grid.copy()
    grid[:, first : last + 1] = grid[:, first : last + 1][:, ::-1]
    entities = state.entities.copy()
    entities["x"] = (first + last + 1) - entities["x"].astype(np.float64)
    for name in ("vx", "vrot", "rotation"):
        entities[name] = np.where(entities[name] == 0, entities[name], -entities[name])  # no -0.0
    # Only what the game itself turns round: a saw or crate looks the same from everywhere.
    turns = np.isin(entities["type"], (EntityType.AGENT, EntityType.ENEMY))
    entities["is_reflected"][turns] = 1 - entities["is_reflected"][turns]
    actions = {name: _mirrored_action(int(state[name])) for name in ("action", "last_move_action", "move_action")}
    return state.replace(
        grid=grid,
        entities=entities,
        facing_right=1 - state["facing_right"],
        action_vx=-state["action_vx"] or 0.0,
        **actions,  # pyright: ignore[reportArgumentType]
    )


def mirrored_action(action: int) -> int:
    """The action that does to the left what this one does to the right: 0 to 2 and 6 to 8 change places."""
    if not 0 <= whole(action, "action") <= 14:
        raise EditError(f"action {action}: allowed are 0 to 14")
    return _mirrored_action(action)


def _mirrored_action(action: int) -> int:
    return 3 * (2 - action // 3) + action % 3 if 0 <= action <= 8 else action


def _continued(column: np.ndarray) -> np.ndarray:
    """A column with the same ground and nothing on it."""
    return np.where(np.isin(column, (Tile.WALL_MID, Tile.WALL_TOP)), column, Tile.EMPTY)
