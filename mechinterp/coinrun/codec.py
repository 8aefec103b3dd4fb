"""Lossless codec between the bytes of a CoinRun game and its parts."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Shaped

from mechinterp.coinrun import layout
from mechinterp.coinrun.checks import MAX_RNG_TEXT, StateError, check_rng_text, is_whole
from mechinterp.coinrun.layout import ENTITY_DTYPE, SCALAR_DTYPE

_HEAD = struct.pack("<ii", layout.STATE_VERSION, len(layout.GAME_NAME)) + layout.GAME_NAME
_END = struct.pack("<I", layout.END_MARK)
_RNG_HEAD = struct.Struct("<ii")


@dataclass(frozen=True)
class RngState:
    """A C++ ``mt19937`` as the game writes it: 625 decimal numbers, or blank, which leaves the game's own generator."""

    is_seeded: int
    text: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not is_whole(self.is_seeded, least=0, most=1):
            raise StateError(f"generator: is_seeded is {self.is_seeded!r}, allowed are 0 and 1")
        if not isinstance(self.text, bytes):
            raise StateError(f"generator: text is a {type(self.text).__name__}, expected bytes")
        if not self.text:
            return
        check_rng_text(self.text)

    def blank(self) -> RngState:
        """The same with no text: loading it leaves the target's generator as it was (three times cheaper)."""
        return RngState(self.is_seeded, b"")


class Parts(NamedTuple):
    """What a state's bytes hold; see `state.GameState`."""

    scalars: Shaped[np.ndarray, ""]
    level_rng: RngState
    step_rng: RngState
    asset_rng: RngState
    entities: Shaped[np.ndarray, " entities"]
    grid: Int[np.ndarray, "h w"]


def decode(data: bytes) -> Parts:
    """The parts of what the game's ``get_state`` gave; their values are not checked.

    Raises:
        StateError: for another game's, the goal-misgeneralisation fork's, truncated or foreign bytes.
    """
    return _Reader(data).read()


def encode(parts: Parts) -> bytes:
    """The bytes for ``set_state``: the inverse of `decode`."""
    joined = [_HEAD]
    at = 0
    flat = parts.scalars.tobytes()
    between = {
        "options": _rng_bytes(parts.level_rng) + _rng_bytes(parts.step_rng),
        "episode": parts.entities.tobytes(),
        "motion": _rng_bytes(parts.asset_rng),
        "view": parts.grid.tobytes(),
        "tail": _END,
    }
    for name, size in layout.SECTION_BYTES.items():
        joined += [flat[at : at + size], between[name]]
        at += size
    return b"".join(joined)


class _Reader:
    """Walks over the bytes once, with an error that says where they stopped making sense."""

    def __init__(self, data: bytes) -> None:
        self.data = bytes(data)
        self.at = 0

    def read(self) -> Parts:
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
        return Parts(scalars, *rngs, entities=entities, grid=grid)

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


def _rng_bytes(rng: RngState) -> bytes:
    return _RNG_HEAD.pack(rng.is_seeded, len(rng.text)) + rng.text
