"""Lossless codec between the bytes of a CoinRun game and a `GameState` that cannot hold a value that kills the game."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from types import MappingProxyType

import numpy as np
from jaxtyping import Int, Shaped

from mechinterp.coinrun import layout
from mechinterp.coinrun.checks import MAX_RNG_TEXT, StateError, check_rng_text, check_state
from mechinterp.coinrun.layout import ENTITY_DTYPE, SCALAR_DTYPE, EntityType, Tile
from mechinterp.errors import nearest

__all__ = ["GameState", "RngState", "StateError"]

_HEAD = struct.pack("<ii", layout.STATE_VERSION, len(layout.GAME_NAME)) + layout.GAME_NAME
_END = struct.pack("<I", layout.END_MARK)
_RNGS = ("level_rng", "step_rng", "asset_rng")
_FLOAT_MAX = float(np.finfo(np.float32).max)
_RNG_HEAD = struct.Struct("<ii")


@dataclass(frozen=True)
class RngState:
    """A C++ ``mt19937`` as the game writes it: 625 decimal numbers, or blank, which leaves the game's own generator."""

    is_seeded: int
    text: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.is_seeded, int) or self.is_seeded not in (0, 1):
            raise StateError(f"generator: is_seeded is {self.is_seeded!r}, allowed are 0 and 1")
        if not isinstance(self.text, bytes):
            raise StateError(f"generator: text is a {type(self.text).__name__}, expected bytes")
        if not self.text:
            return
        check_rng_text(self.text)

    def blank(self) -> RngState:
        """The same with no text: loading it leaves the target's generator as it was (three times cheaper)."""
        return RngState(self.is_seeded, b"")


@dataclass(frozen=True, eq=False)
class GameState:
    """One CoinRun game, whole: everything the simulator needs to go on from here.

    ``scalars`` holds every number that occurs once (names and allowed ranges: `layout.SCALARS`), ``entities`` the
    agent, saws, enemies, crates and trails in drawing order, ``grid`` the cells, indexed ``[y, x]`` with y upward.
    Arrays are copies that cannot be made writable. Values are checked on construction, so a `GameState` is always
    safe to load.

    Raises:
        StateError: naming the field, its value and the allowed range.
    """

    scalars: Shaped[np.ndarray, ""]
    level_rng: RngState
    step_rng: RngState
    asset_rng: RngState
    entities: Shaped[np.ndarray, " entities"]
    grid: Int[np.ndarray, "h w"]

    def __post_init__(self) -> None:
        for name in _RNGS:
            if not isinstance(getattr(self, name), RngState):
                raise StateError(f"{name}: a {type(getattr(self, name)).__name__}, expected an RngState")
        entities = np.atleast_1d(_records("entities", self.entities, ENTITY_DTYPE))
        if entities.ndim != 1 or len(entities) == 0:
            raise StateError(f"entities: shape {entities.shape}, expected one axis with at least the agent")
        grid = _whole_numbers("grid", self.grid)
        if grid.ndim != 2 or grid.size == 0:
            raise StateError(f"grid: shape {grid.shape}, expected 2 axes (y, x) of {layout.MIN_SIDE} cells or more")
        scalars = _records("scalars", self.scalars, SCALAR_DTYPE).copy()
        if scalars.shape != ():
            raise StateError(f"scalars: shape {scalars.shape}, expected a single record")
        height, width = grid.shape
        for name, value in zip(layout.DERIVED, (grid.size, len(entities), width, height, grid.size), strict=True):
            scalars[name] = value
        for name, array in (("scalars", scalars), ("entities", entities), ("grid", grid)):
            # Bytes are what cannot be made writable again: a flag alone could be turned back.
            frozen = np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)
            object.__setattr__(self, name, frozen)
        check_state(self)

    def __reduce__(self) -> tuple[Callable[[bytes], GameState], tuple[bytes]]:
        # A copy or a pickle of the arrays themselves would be writable, and unchecked.
        return GameState.from_bytes, (self.to_bytes(),)

    @classmethod
    def from_bytes(cls, data: bytes) -> GameState:
        """Read what the game's ``get_state`` gave.

        Raises:
            StateError: for another game's, the goal-misgeneralisation fork's, truncated or foreign bytes.
        """
        return _Reader(data).read()

    def to_bytes(self) -> bytes:
        """The bytes for ``set_state``: identical to those that the state was read from."""
        parts = [_HEAD]
        at = 0
        flat = self.scalars.tobytes()
        between = {
            "options": _rng_bytes(self.level_rng) + _rng_bytes(self.step_rng),
            "episode": self.entities.tobytes(),
            "motion": _rng_bytes(self.asset_rng),
            "view": self.grid.tobytes(),
            "tail": _END,
        }
        for name, size in layout.SECTION_BYTES.items():
            parts += [flat[at : at + size], between[name]]
            at += size
        return b"".join(parts)

    def __getitem__(self, name: str) -> int | float:
        """The scalar of this name, such as ``state["cur_time"]``."""
        _known(name)
        return self.scalars[name].item()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GameState) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    def replace(
        self,
        *,
        grid: Int[np.ndarray, "h w"] | None = None,
        entities: Shaped[np.ndarray, " entities"] | None = None,
        rngs: Mapping[str, RngState] = MappingProxyType({}),
        **scalars: float,
    ) -> GameState:
        """A new state with these arrays, scalars (by name) or generators (``level_rng``, ...) instead.

        Raises:
            StateError: for an unknown name, or a value that the field could not hold as it is.
        """
        for name in rngs:
            if name not in _RNGS:
                raise StateError(f"a state has no generator {name!r}{nearest(name, _RNGS)}")
        values = self.scalars.copy()
        for name, value in scalars.items():
            _known(name)
            if name in layout.DERIVED:
                raise StateError(f"{name} follows from the arrays; replace grid or entities instead")
            values[name] = _scalar(name, value)
        return replace(
            self,
            scalars=values,
            grid=self.grid if grid is None else grid,
            entities=self.entities if entities is None else entities,
            **rngs,
        )

    def without_rngs(self) -> GameState:
        """The same with blank generators: three times cheaper to load, and the target keeps its own level sequence."""
        return self.replace(rngs={name: getattr(self, name).blank() for name in _RNGS})

    @property
    def level_seed(self) -> int:
        """The seed that the level was generated from."""
        return int(self["current_level_seed"])

    @cached_property
    def agent_index(self) -> int:
        """Where the agent is in ``entities``."""
        return int(np.flatnonzero(self.entities["type"] == EntityType.AGENT)[-1])

    @property
    def agent_xy(self) -> tuple[float, float]:
        """The agent's centre in cells, y upward."""
        agent = self.entities[self.agent_index]
        return float(agent["x"]), float(agent["y"])

    @cached_property
    def coins(self) -> tuple[tuple[int, int], ...]:
        """The cells (x, y) that hold a real coin, left to right."""
        ys, xs = np.nonzero(self.grid == Tile.COIN)
        return tuple(sorted(zip(xs.tolist(), ys.tolist(), strict=True)))


class _Reader:
    """Walks over the bytes once, with an error that says where they stopped making sense."""

    def __init__(self, data: bytes) -> None:
        self.data = bytes(data)
        self.at = 0

    def read(self) -> GameState:
        self.header()
        flat: dict[str, bytes] = {}
        flat["options"] = self.section("options")
        rngs = [self.rng("level_rng"), self.rng("step_rng")]
        flat["episode"] = self.section("episode")
        count = int.from_bytes(flat["episode"][-4:], "little", signed=True)
        entities = np.frombuffer(self.take("entities", count, layout.MAX_ENTITIES, ENTITY_DTYPE.itemsize), ENTITY_DTYPE)
        flat["motion"] = self.section("motion")
        rngs.append(self.rng("asset_rng"))
        flat["view"] = self.section("view")
        width, height, cells = struct.unpack("<iii", flat["view"][-12:])
        sides = range(layout.MIN_SIDE, layout.MAX_SIDE + 1)
        if width not in sides or height not in sides or width * height != cells:
            raise StateError(
                f"grid: {width} x {height} with {cells} cells, allowed are sides of {sides[0]} to {sides[-1]}"
            )
        grid = np.frombuffer(self.take("grid", cells, layout.MAX_SIDE**2, 4), "<i4").reshape(height, width)
        flat["tail"] = self.section("tail")
        if self.data[self.at :] != _END:
            raise StateError(f"after byte {self.at}: expected the end mark {layout.END_MARK:#x} and nothing more")
        scalars = np.frombuffer(b"".join(flat.values()), SCALAR_DTYPE)[0]
        size = int(scalars["grid_size"])
        if size != cells:
            raise StateError(f"grid_size: {size}, but the grid has {cells} cells")
        return GameState(scalars, *rngs, entities=entities, grid=grid)

    def header(self) -> None:
        if self.data[: len(_HEAD)] == _HEAD:
            self.at = len(_HEAD)
            return
        name = self.data[8:64].split(b"\0")[0][:24]
        raise StateError(f"not a state of stock CoinRun (version 0): it starts with {self.data[:8].hex()} {name!r}")

    def section(self, name: str) -> bytes:
        return self.take(name, 1, 1, layout.SECTION_BYTES[name])

    def take(self, name: str, count: int, most: int, size: int) -> bytes:
        if not 0 <= count <= most:
            raise StateError(f"{name}: a count of {count} at byte {self.at}, allowed are 0 to {most}")
        end = self.at + count * size
        if end > len(self.data):
            raise StateError(f"{name}: truncated; it needs bytes {self.at} to {end}, there are {len(self.data)}")
        chunk = self.data[self.at : end]
        self.at = end
        return chunk

    def rng(self, name: str) -> RngState:
        is_seeded, length = _RNG_HEAD.unpack(self.take(name, 1, 1, _RNG_HEAD.size))
        fork = " (five options more, as in the goal-misgeneralisation fork?)" if name != "asset_rng" else ""
        if is_seeded not in (0, 1) or not 0 <= length <= MAX_RNG_TEXT:
            raise StateError(f"{name}: no generator at byte {self.at - 8}{fork}")
        try:
            return RngState(is_seeded, self.take(name, length, MAX_RNG_TEXT, 1))
        except StateError as error:
            raise StateError(f"{name}: {error}{fork}") from None


def _scalar(name: str, value: object) -> float:
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


def _whole_numbers(name: str, values: object) -> Int[np.ndarray, ...]:
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


def _records(name: str, values: object, dtype: np.dtype[np.void]) -> Shaped[np.ndarray, ...]:
    given = np.asarray(values)
    if given.dtype != dtype:
        raise StateError(
            f"{name}: values of type {str(given.dtype)[:60]}, expected the records of a state's own {name}"
        )
    return given


def _rng_bytes(rng: RngState) -> bytes:
    return _RNG_HEAD.pack(rng.is_seeded, len(rng.text)) + rng.text


def _known(name: str) -> None:
    if name not in SCALAR_DTYPE.fields:  # pyright: ignore[reportOperatorIssue]
        near = get_close_matches(name, SCALAR_DTYPE.names or (), 3)
        raise StateError(f"a state has no field {name!r}; nearest: {', '.join(near) or 'none'}")
