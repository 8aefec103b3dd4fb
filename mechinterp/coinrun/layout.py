"""Where each field of a stock CoinRun state lies, and what it may hold.

The layout was read off states of procgen-mirror 0.10.7 and confirmed by re-serialising hundreds of them byte for byte.
The ranges are a safety fence, not a description: values outside some of them abort or crash the C++ library (a
background index of 62, a wall theme of 6, a grid value of 101), so each range is the span seen in real states, widened
only to what edits need and what was tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

GAME_NAME = b"coinrun"
STATE_VERSION = 0
END_MARK = 0xCAFECAFE
RNG_WORDS = 625  # mt19937: 624 words of state and the position in them
MAX_TIME = 1_000_000
MAX_ENTITIES = 512
MIN_SIDE = 64
"""Fewest rows and columns: the game keeps the size when it makes its next level, and exits where that does not fit."""
MAX_SIDE = 256


class Tile(IntEnum):
    """Values of a grid cell. The negative ones are entity pictures or inert cells, pinned one by one below."""

    COIN = 1
    WALL_MID = 15
    WALL_TOP = 16
    LAVA_MID = 17
    LAVA_TOP = 18
    ENEMY_BARRIER = 19
    EMPTY = 100
    INVISIBLE = -1
    """Not drawn, and nothing happens there: what the coin's old cell becomes when only its picture should go."""
    WALL_TOP_PICTURE = -16
    """Drawn like a wall top, and passable."""
    LAVA_MID_PICTURE = -17
    LAVA_TOP_PICTURE = -18
    """Drawn like lava, harmless and passable."""


class EntityType(IntEnum):
    """Values of an entity's ``type`` (what it does) and ``image_type`` (what it looks like)."""

    AGENT = 0
    COIN = 1
    SAW = 2
    ENEMY = 5
    CRATE = 20
    TRAIL = 59


GRID_VALUES = np.array(sorted(int(tile) for tile in Tile), np.int32)


@dataclass(frozen=True)
class Field:
    """One number of the layout: its name, its type ('i4' or 'f4') and the closed range that it may lie in."""

    name: str
    kind: str
    low: float
    high: float


def _ints(names: str, low: float, high: float) -> tuple[Field, ...]:
    return tuple(Field(name, "<i4", low, high) for name in names.split())


def _floats(names: str, low: float, high: float) -> tuple[Field, ...]:
    return tuple(Field(name, "<f4", low, high) for name in names.split())


_SEED_MAX = 2**31 - 1
_POSITION = (-64.0, 2.0 * MAX_SIDE)

OPTIONS = (
    *_ints("paint_vel_info", 0, 1),
    *_ints("use_generated_assets", 0, 0),  # the library cannot give or take states with them, and exits
    *_ints("use_monochrome_assets restrict_themes", 0, 1),
    *_ints("use_backgrounds center_agent", 0, 1),
    *_ints("debug_mode", 0, 0),
    *_ints("distribution_mode use_sequential_levels", 0, 1),
    *_ints("use_easy_jump plain_assets physics_mode grid_step", 0, 0),
    *_ints("level_seed_low level_seed_high", 0, _SEED_MAX),
    *_ints("game_type", 0, 0),
    *_ints("game_n", 0, 1_000_000),
)
EPISODE = (
    *_floats("reward", -100, 100),
    *_ints("done level_complete", 0, 1),
    *_ints("action", -1, 14),
    *_ints("timeout", 1, MAX_TIME),
    *_ints("current_level_seed prev_level_seed", 0, _SEED_MAX),
    # 1 would suppress the flag of the next episode's first step.
    *_ints("episodes_remaining", 0, 0),
    *_ints("episode_done", 0, 1),
    *_ints("last_reward_timer", 0, 1000),
    *_floats("last_reward", -100, 100),
    *_ints("default_action", 4, 4),
    *_ints("fixed_asset_seed", 0, _SEED_MAX),
    *_ints("cur_time", 0, MAX_TIME),
    *_ints("is_waiting_for_step", 0, 0),
    *_ints("grid_size", MIN_SIDE**2, MAX_SIDE**2),
    *_ints("n_ents", 1, MAX_ENTITIES),
)
ENTITY = (
    *_floats("x y", *_POSITION),
    *_floats("vx vy", -4, 4),
    *_floats("rx ry", 0.01, 4),
    *_ints("type", 0, 59),
    *_ints("image_type", 0, 59),
    *_ints("image_theme", 0, 8),
    *_ints("render_z", 0, 1),
    *_ints("will_erase", 0, 1),
    *_ints("collides_with_entities", 0, 0),
    *_floats("collision_margin", 0, 1),
    *_floats("rotation", -7, 7),
    *_floats("vrot", 0, 0),  # nothing turns in CoinRun
    *_ints("is_reflected", 0, 1),
    *_ints("fire_time spawn_time", -1, MAX_TIME),
    *_ints("life_time", 0, 2 * MAX_TIME),  # and at most MAX_TIME ahead of cur_time, with which it grows
    *_ints("expire_time", -1, 64),
    *_ints("use_abs_coords", 0, 0),
    *_floats("friction", 0, 1),
    *_ints("smart_step avoids_collisions auto_erase", 0, 1),
    *_floats("alpha", 0, 1),
    *_floats("health", 0, 100),
    *_floats("theta", -100, 100),
    *_floats("grow_rate", 1, float(np.float32(1.05))),
    *_floats("alpha_decay", 0, 1),
    *_floats("climber_spawn_x", 0, 0),
)
MOTION = (
    *_ints("use_procgen_background", 0, 0),
    *_ints("background_index", 0, 61),
    *_floats("bg_tile_ratio", 0, 0),
    *_floats("bg_pct_x", 0, 1),
    *_floats("char_dim", 5, 5),
    *_ints("last_move_action move_action", -1, 14),
    *_ints("special_action", 0, 6),
    *_floats("mixrate maxspeed", 0, 1),
    *_floats("max_jump", 0, 3),
    *_floats("action_vx action_vy action_vrot", -1, 1),
    *_floats("center_x center_y", *_POSITION),
    *_ints("random_agent_start has_useful_vel_info", 0, 1),
    *_ints("step_rand_int", 0, 1_000_000),
)
VIEW = (
    *_ints("main_width main_height", MIN_SIDE, MAX_SIDE),
    *_ints("out_of_bounds_object", 15, 15),
    *_floats("unit", 0.01, 64),
    *_floats("view_dim", 1, MAX_SIDE),
    *_floats("x_off y_off", -1e5, 1e5),
    *_floats("visibility", 3, MAX_SIDE),  # with center_agent off, the game sets it to the grid's longer side
    *_floats("min_visibility", 0, 64),
    *_ints("w h", MIN_SIDE, MAX_SIDE),
    *_ints("cells", MIN_SIDE**2, MAX_SIDE**2),
)
TAIL = (
    *_floats("last_agent_y", *_POSITION),
    *_ints("wall_theme", 0, 5),
    *_ints("has_support facing_right is_on_crate", 0, 1),
    *_floats("gravity air_control", 0, 1),
)

SECTIONS = {"options": OPTIONS, "episode": EPISODE, "motion": MOTION, "view": VIEW, "tail": TAIL}
"""Every section that occurs once, in file order. Two RNGs follow options, the entities follow episode, the asset RNG
follows motion, the grid follows view."""


def _dtype(fields: tuple[Field, ...]) -> np.dtype[np.void]:
    return np.dtype([(field.name, field.kind) for field in fields])


SCALARS = tuple(field for section in SECTIONS.values() for field in section)
SCALAR_DTYPE = _dtype(SCALARS)
SECTION_BYTES = {name: 4 * len(section) for name, section in SECTIONS.items()}
ENTITY_DTYPE = _dtype(ENTITY)

DERIVED = ("grid_size", "n_ents", "w", "h", "cells")
"""Counts that repeat what the arrays say: never set by hand, always written from the arrays."""

IMAGE_THEMES = {0: 5, 1: 1, 2: 1, 3: 1, 6: 9, 7: 9, 20: 4, 59: 1}
"""image_type -> how many themes it has. Agent 0; coin 1; saw 2 and 3 (two frames of its turning); walking enemy 6 and 7
(two frames of its gait); crate 20; trail 59. A theme past the last one reads outside the asset table."""

OWN_IMAGES = {EntityType.SAW: (2, 3), EntityType.ENEMY: (6, 7)}
"""The images that the game gives entities of these types at every step, whatever image a state gave them. The theme
stays, so it must be one of these images, too."""
