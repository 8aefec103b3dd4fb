"""What a state may hold: every value outside of it aborts or crashes the C++ library, or was not seen to do no harm."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeGuard

import numpy as np
from jaxtyping import Int, Shaped

from mechinterp.coinrun import layout
from mechinterp.coinrun.layout import SCALAR_DTYPE, EntityType
from mechinterp.errors import MechinterpError


class StateError(MechinterpError, ValueError):
    """A state, or bytes said to be one, that the game could not safely hold."""


class SettingError(MechinterpError, ValueError):
    """A setting of the game, of its levels or of its picture that makes no sense, or would end the process."""


class OrderError(MechinterpError, RuntimeError):
    """A call at the wrong time: before ``reset``, or after ``close``."""


def is_whole(value: object, *, least: int = -(2**63), most: int = 2**63 - 1) -> TypeGuard[int]:
    """Whether it is a whole number in this range (truth values are none)."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(least <= value <= most)


_UINT32 = (
    rb"(?:[0-9]{1,9}|[1-3][0-9]{9}|4[01][0-9]{8}|42[0-8][0-9]{7}|429[0-3][0-9]{6}|4294[0-8][0-9]{5}|42949[0-5][0-9]{4}"
    rb"|429496[0-6][0-9]{3}|4294967[01][0-9]{2}|42949672[0-8][0-9]|429496729[0-5])"
)
_RNG_TEXT = re.compile(rb"(?:" + _UINT32 + rb" ){624}(?:[0-9]{1,2}|[0-5][0-9]{2}|6[01][0-9]|62[0-4])")
MAX_RNG_TEXT = 11 * layout.RNG_WORDS


_SCALAR_LOW = np.array([field.low for field in layout.SCALARS])
_SCALAR_HIGH = np.array([field.high for field in layout.SCALARS])
_ENTITY_LOW = np.array([field.low for field in layout.ENTITY])
_ENTITY_HIGH = np.array([field.high for field in layout.ENTITY])
_ENTITY_IS_FLOAT = np.array([field.kind == "<f4" for field in layout.ENTITY])
_THEMES = np.zeros(60, np.int64)
_THEMES[list(layout.IMAGE_THEMES)] = list(layout.IMAGE_THEMES.values())
_OWN_THEMES = np.full(60, max(layout.IMAGE_THEMES.values()), np.int64)
for _kind, _images in layout.OWN_IMAGES.items():
    _OWN_THEMES[_kind] = min(layout.IMAGE_THEMES[image] for image in _images)
_GRID_ALLOWED = np.isin(np.arange(layout.GRID_VALUES[0], layout.GRID_VALUES[-1] + 1), layout.GRID_VALUES)
_TYPES = [int(kind) for kind in EntityType]
_TYPE_ALLOWED = np.isin(np.arange(60), _TYPES)

_FLOAT_MAX = float(np.finfo(np.float32).max)
_MAX_RADIUS = next(field.high for field in layout.ENTITY if field.name == "rx")


@lru_cache(maxsize=256)  # one game's generators recur in all its states, and the asset generator in all games
def check_rng_text(text: bytes) -> None:
    """Refuse what the library could not read as a generator."""
    if not _RNG_TEXT.fullmatch(text):
        raise StateError(
            f"generator: expected {layout.RNG_WORDS} decimal numbers below 2**32, the last one (the position) at most "
            f"{layout.RNG_WORDS - 1}; got {len(text.split())} words in {len(text)} bytes"
        )


def check_scalars(
    scalars: Shaped[np.ndarray, ""], entities: Shaped[np.ndarray, " entities"], grid: Int[np.ndarray, "h w"]
) -> None:
    """Refuse every number, and every number that does not fit the arrays, that the library was not seen to survive.

    Args:
        scalars, entities, grid: of a state; see `state.GameState`.

    Raises:
        StateError: naming the field, its value and the allowed range.
    """
    values = np.array(scalars.tolist(), np.float64)
    # Written so that NaN, which compares false, is refused too.
    bad = ~((values >= _SCALAR_LOW) & (values <= _SCALAR_HIGH))
    if bad.any():
        which = layout.SCALARS[int(bad.argmax())]
        raise StateError(f"{which.name}: {values[bad.argmax()]:g}, allowed is {which.low:g} to {which.high:g}")
    if not scalars["level_seed_low"] < scalars["level_seed_high"]:
        raise StateError(f"level_seed_high: {scalars['level_seed_high']}, must be over level_seed_low")
    height, width = grid.shape
    main = scalars["main_width"], scalars["main_height"]
    if main != (width, height):
        raise StateError(f"main_width x main_height: {main[0]} x {main[1]}, the grid has {width} x {height} cells")
    ahead = entities["life_time"].astype(np.int64) - int(scalars["cur_time"])
    if ahead.max() > layout.MAX_TIME:  # both grow by one a step, so this holds for all of the episode
        at = int(ahead.argmax())
        raise StateError(
            f"entities[{at}].life_time: {entities['life_time'][at]}, allowed is {layout.MAX_TIME} over cur_time "
            f"({scalars['cur_time']}) at most"
        )


def check_grid(grid: Int[np.ndarray, "h w"]) -> None:
    """Refuse cells that the library does not know. Raises StateError."""
    low, high = layout.GRID_VALUES[0], layout.GRID_VALUES[-1]
    bad = (grid < low) | (grid > high)
    bad |= ~_GRID_ALLOWED[np.where(bad, 0, grid - low)]
    if bad.any():
        y, x = np.argwhere(bad)[0]
        allowed = ", ".join(str(value) for value in layout.GRID_VALUES)
        raise StateError(f"grid[y={y}, x={x}]: {grid[y, x]}, allowed are {allowed}")


def check_entities(entities: Shaped[np.ndarray, " entities"]) -> None:
    """Refuse entities that the library was not seen to survive. Raises StateError."""
    shape = (len(entities), len(layout.ENTITY))
    values = np.where(_ENTITY_IS_FLOAT, entities.view("<f4").reshape(shape), entities.view("<i4").reshape(shape))
    bad = ~((values >= _ENTITY_LOW) & (values <= _ENTITY_HIGH))
    if bad.any():
        at, column = np.argwhere(bad)[0]
        rule = layout.ENTITY[column]
        raise StateError(
            f"entities[{at}].{rule.name}: {values[at, column]:g}, allowed is {rule.low:g} to {rule.high:g}"
        )
    unknown = ~_TYPE_ALLOWED[entities["type"]]
    if unknown.any():
        at = int(unknown.argmax())
        raise StateError(f"entities[{at}].type: {entities['type'][at]}, allowed are {_TYPES}")
    themes = _THEMES[entities["image_type"]]
    outside = entities["image_theme"] >= themes
    if outside.any():
        at = int(outside.argmax())
        kind, theme = entities["image_type"][at], entities["image_theme"][at]
        raise StateError(f"entities[{at}]: image_type {kind} has themes 0 to {themes[at] - 1}, not {theme}")
    own = _OWN_THEMES[entities["type"]]
    outside = entities["image_theme"] >= own
    if outside.any():
        at = int(outside.argmax())
        kind, theme = EntityType(entities["type"][at]), entities["image_theme"][at]
        raise StateError(
            f"entities[{at}]: the game gives a {kind.name.lower()} its own image back and keeps the theme; that image "
            f"has themes 0 to {own[at] - 1}, not {theme}"
        )
    _check_growth(entities)
    adrift = (entities["auto_erase"] == 0) & ((entities["vx"] != 0) | (entities["vy"] != 0))
    adrift &= entities["type"] != EntityType.AGENT
    if adrift.any():  # it may leave the level, and go on for ever
        at = int(adrift.argmax())
        raise StateError(f"entities[{at}]: it moves, so its auto_erase must be 1, or vx and vy 0")
    agents = int(np.count_nonzero(entities["type"] == EntityType.AGENT))
    if agents != 1:
        raise StateError(f"entities: {agents} agents (type 0), a game has exactly one")
    agent = entities[entities["type"] == EntityType.AGENT][0]
    if agent["will_erase"] or agent["expire_time"] != -1:
        raise StateError(
            "entities: the agent's will_erase and expire_time must be 0 and -1, a game cannot lose its agent"
        )


def _check_growth(entities: np.ndarray) -> None:
    """Refuse a picture that grows without end, or beyond what an entity may measure: it would outgrow the renderer."""
    growing = entities[entities["grow_rate"] != 1]
    if len(growing) == 0:
        return
    if (growing["expire_time"] < 1).any():
        raise StateError("entities: a grow_rate other than 1 needs an expire_time of 1 or more")
    steps = np.maximum(growing["expire_time"] - growing["life_time"], 0) + 1
    radius = np.maximum(growing["rx"], growing["ry"]) * growing["grow_rate"].astype(np.float64) ** steps
    if radius.max() > _MAX_RADIUS:
        raise StateError(f"entities: one would grow to a radius of {radius.max():.3g}, allowed is {_MAX_RADIUS:g}")


def as_scalar(name: str, value: object) -> float:
    """The value, if the field can hold it as it is; ranges are checked later."""
    if not isinstance(value, int | float | np.integer | np.floating | np.bool_):
        raise StateError(f"{name}: {value!r} is not a number")
    # Comparing, not converting: NaN and infinity compare false, where int() would raise.
    if SCALAR_DTYPE[name].kind == "i":
        if not (-(2**31) <= value < 2**31 and value == int(value)):
            raise StateError(f"{name}: {value!r} is not a 32-bit whole number")
        return int(value)
    if _FLOAT_MAX < abs(value) < np.inf:
        raise StateError(f"{name}: {value!r} is not a 32-bit float")
    return float(value)


def as_whole_numbers(name: str, values: object) -> Int[np.ndarray, ...]:
    """These as 32-bit whole numbers, with nothing rounded and nothing wrapped."""
    try:
        given = np.asarray(values)
    except ValueError as error:
        raise StateError(f"{name}: no array can be made of it ({error})") from None
    if given.dtype.kind not in "iu":
        raise StateError(f"{name}: values of type {given.dtype}, expected whole numbers")
    result = given.astype("<i4")
    if given.dtype != result.dtype and (wrapped := result != given).any():
        place = tuple(np.argwhere(wrapped)[0].tolist())
        raise StateError(f"{name}{list(place)}: {given[place]} is not a 32-bit whole number")
    return result


def as_records(name: str, values: object, dtype: np.dtype[np.void]) -> Shaped[np.ndarray, ...]:
    """These, if they are records of this type already. Raises StateError if not."""
    given = np.asarray(values)
    if given.dtype != dtype:
        raise StateError(
            f"{name}: values of type {str(given.dtype)[:60]}, expected the records of a state's own {name}"
        )
    return given
