"""A level with nothing in it, made without the game: what hand-designed levels start from."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from mechinterp.coinrun import layout
from mechinterp.coinrun.edits._shared import new_entity
from mechinterp.coinrun.engine import GameOptions
from mechinterp.coinrun.layout import SCALAR_DTYPE, EntityType, Tile
from mechinterp.coinrun.levels import MAX_LEVEL_SEED
from mechinterp.coinrun.state import GameState, RngState, StateError

STOCK = GameOptions()

AGENT_RX, AGENT_RY = 0.5, float(np.float32(0.5787))
"""Half the agent's width and height, in cells (the game counts in 32 bits)."""

_CONSTANTS = {
    "action": 4,
    "timeout": 1000,
    "default_action": 4,
    "fixed_asset_seed": 82037353,
    "char_dim": 5,
    "last_move_action": 7,
    "move_action": 4,
    "mixrate": 0.2,
    "maxspeed": 0.5,
    "max_jump": 1.5,
    "random_agent_start": 1,
    "has_useful_vel_info": 1,
    "out_of_bounds_object": Tile.WALL_MID,
    "visibility": 13,
    "facing_right": 1,
    "gravity": 0.2,
    "air_control": 0.15,
    # What the game has after the step that ended the episode before.
    "done": 1,
    "episode_done": 1,
}
"""What every fresh level of procgen-mirror 0.10.7 holds, where it is not 0."""


def is_whole(value: object) -> bool:
    """Whether it is a whole number (a truth value is not)."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def empty_level(
    options: GameOptions = STOCK,
    *,
    level_seed: int = 0,
    width: int = layout.MIN_SIDE,
    height: int = layout.MIN_SIDE,
) -> GameState:
    """A hall with a floor, a ceiling and two walls, the agent standing at its left end; no coin.

    It has blank generators: a game that loads it keeps its own. ``level_seed`` is only a name for it.

    Raises:
        StateError: for sides under 64 or over 256, for what are no whole numbers, or no options.
    """
    if not isinstance(options, GameOptions):
        raise StateError(f"options: a {type(options).__name__}, where GameOptions are needed")
    for name, value in (("level_seed", level_seed), ("width", width), ("height", height)):
        if not is_whole(value):
            raise StateError(f"{name}: {value!r}, expected a whole number")
    if not 0 <= level_seed <= MAX_LEVEL_SEED:
        raise StateError(f"level_seed: {level_seed}, allowed are 0 to {MAX_LEVEL_SEED}")
    if not layout.MIN_SIDE <= min(width, height) <= max(width, height) <= layout.MAX_SIDE:
        raise StateError(f"{width} x {height} cells: allowed are sides of {layout.MIN_SIDE} to {layout.MAX_SIDE}")
    grid = np.full((height, width), Tile.EMPTY, np.int32)
    grid[0] = Tile.WALL_TOP
    grid[:, [0, -1]] = Tile.WALL_MID
    grid[-1] = Tile.WALL_MID
    looks = {"smart_step": 1, "render_z": 1}
    agent = new_entity(EntityType.AGENT, 1 + AGENT_RX, 1 + AGENT_RY, rx=AGENT_RX, ry=AGENT_RY, **looks)
    scalars = np.zeros((), SCALAR_DTYPE)
    values = dict(_CONSTANTS)
    values |= {name: int(value) for name, value in asdict(options).items() if name != "distribution_mode"}
    values["distribution_mode"] = int(options.distribution_mode == "hard")
    values |= {"level_seed_low": level_seed, "level_seed_high": level_seed + 1}
    values |= {"current_level_seed": level_seed, "prev_level_seed": level_seed}
    values |= {"main_width": width, "main_height": height, "view_dim": values["visibility"]}
    values |= {"unit": 64 / values["visibility"]}
    values |= {"center_x": float(agent["x"]), "center_y": float(agent["y"]), "last_agent_y": float(agent["y"])}
    for name, value in values.items():
        scalars[name] = value
    return GameState(scalars, RngState(1, b""), RngState(1, b""), RngState(0, b""), entities=agent[None], grid=grid)
