"""Minimal pairs: two scenes that differ in one variable, and in nothing else."""

from __future__ import annotations

import hashlib
import html
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from mechinterp import _html
from mechinterp._files import write_bytes
from mechinterp.coinrun import camera
from mechinterp.coinrun.state import GameState, StateError

if TYPE_CHECKING:
    import pandas as pd

Side = Literal["clean", "corrupted"]
_FORMAT = "mechinterp-minimal-pairs-2"
_PLAYED = "played"
"""Not in the files of earlier versions."""
_WORDS = ("variable", "clean_label", "corrupted_label")
_STATES = ("clean_states", "corrupted_states")
_DTYPES = {
    "clean": "uint8",
    "corrupted": "uint8",
    "levels": "int64",
    _PLAYED: "int64",
    **dict.fromkeys(_STATES, "uint8"),
    **{f"{name}_lengths": "int64" for name in _STATES},
}
_KEYS = {"format", "digest", *_WORDS, *_DTYPES}


class SceneError(StateError):
    """Minimal pairs that cannot be made, selected from, or read."""


@dataclass(frozen=True, eq=False, repr=False)
class MinimalPairs:
    """Pairs of frames and the states behind them.

    ``clean`` is the side on which the variable should push toward what is measured (coin to the right, coin present),
    ``corrupted`` the other one. Several pairs may come from one level: levels are what is independent.

    Attributes:
        variable: what differs, in words: "coin side".
        clean_label, corrupted_label: what it is on each side: "coin right", "coin left".
        clean, corrupted: the frames.
        levels: level seed of each pair: the cluster of every interval.
        clean_states, corrupted_states: the games behind the frames, as bytes with blank generators.
        played: level seeds of all states that the pairs were made of, in order, also those without room for a pair;
            empty where that is not known. `Subject.split` cuts these.
    """

    variable: str
    clean_label: str
    corrupted_label: str
    clean: UInt8[np.ndarray, "pairs 64 64 3"]
    corrupted: UInt8[np.ndarray, "pairs 64 64 3"]
    levels: Int64[np.ndarray, " pairs"]
    clean_states: tuple[bytes, ...]
    corrupted_states: tuple[bytes, ...]
    played: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in _COLUMNS}
        if len(set(lengths.values())) != 1:
            raise SceneError(f"minimal pairs of unequal lengths: {lengths}")
        for name in ("clean", "corrupted"):
            frames = getattr(self, name)
            if frames.shape[1:] != (64, 64, 3) or frames.dtype != np.uint8:
                raise SceneError(
                    f"{name}: frames of shape {frames.shape[1:]} and type {frames.dtype}, expected (64, 64, 3) of uint8"
                )
        if self.levels.ndim != 1 or self.levels.dtype.kind not in "iu":
            raise SceneError(f"levels: {self.levels.ndim} axes of {self.levels.dtype}, expected 1 of whole numbers")
        object.__setattr__(self, _PLAYED, tuple(np.unique(np.array(self.played, np.int64)).tolist()))

    def __len__(self) -> int:
        return len(self.levels)

    def __repr__(self) -> str:
        sides = f"{self.clean_label} against {self.corrupted_label}"
        return f"MinimalPairs({self.variable!r}: {sides}, {self.counted})"

    def _repr_html_(self) -> str:
        if not len(self):
            return f"<p>{html.escape(repr(self))}</p>"
        sides = ((self.clean, f"clean: {self.clean_label}"), (self.corrupted, f"corrupted: {self.corrupted_label}"))
        frames = "".join(_html.picture(frames[0], caption=caption) for frames, caption in sides)
        return f"<p>{html.escape(repr(self))}; the first of them:</p>{frames}"

    @property
    def n_levels(self) -> int:
        """How many levels the pairs come from."""
        return len(np.unique(self.levels))

    @property
    def counted(self) -> str:
        """How many there are, in words: "12 pairs of 7 levels"."""
        counts = {"pair": len(self), "level": self.n_levels}
        return " of ".join(f"{count} {noun}" + "s" * (count != 1) for noun, count in counts.items())

    def select(self, rows: Int64[np.ndarray, " rows"] | Bool[np.ndarray, " pairs"] | Sequence[int]) -> MinimalPairs:
        """The pairs at these places, or where this mask is true.

        Raises:
            SceneError: neither places of pairs nor a mask of as many truth values as there are pairs.
        """
        chosen = np.arange(len(self))[self._rows(rows)]
        return MinimalPairs(
            self.variable,
            self.clean_label,
            self.corrupted_label,
            self.clean[chosen],
            self.corrupted[chosen],
            self.levels[chosen],
            tuple(self.clean_states[i] for i in chosen),
            tuple(self.corrupted_states[i] for i in chosen),
            self.played,
        )

    def to_frame(self) -> pd.DataFrame:
        """One row for each pair, as pandas has it: its level, what differs, and the clock of its scene in steps."""
        import pandas as pd

        columns = {
            "pair": np.arange(len(self)),
            "level": self.levels,
            **{name: [getattr(self, name)] * len(self) for name in _WORDS},
            "clock": np.array([int(state["cur_time"]) for state in self.states("clean")], np.int64),
        }
        return pd.DataFrame(columns)

    def split(self, fraction: float, rng: np.random.Generator) -> tuple[MinimalPairs, MinimalPairs]:
        """Two parts that share no level: about ``fraction`` of the levels, to choose on, and the rest, to report on.

        Raises:
            SceneError: if either part would be empty.
        """
        levels = rng.permutation(np.unique(self.levels))
        count = round(fraction * len(levels))
        if not 0 < count < len(levels):
            raise SceneError(f"split: {fraction} of {len(levels)} levels leaves one part empty")
        chosen = np.isin(self.levels, levels[:count])
        return self.select(chosen), self.select(~chosen)

    def changed_pixels(self) -> Bool[np.ndarray, "pairs 64 64"]:
        """Where the two frames of each pair differ."""
        return (self.clean != self.corrupted).any(-1)

    def states(self, which: Side) -> list[GameState]:
        """The games of one side, parsed."""
        return [GameState.from_bytes(data) for data in self._side(which)]

    def coin_cells(self, side: int, which: Side) -> Int64[np.ndarray, "pairs 2"]:
        """Where the coin's (or decoy's) centre lies in a ``side`` x ``side`` feature map: (row, column).

        (-1, -1) where there is none in view.
        """
        cells = np.full((len(self), 2), -1, np.int64)
        for row, state in enumerate(self.states(which)):
            in_view = camera.coins_in_view(state, side)
            if in_view:
                cells[row] = in_view[0]
        return cells

    def save(self, path: str | Path) -> None:
        """Write one compressed file, whole or not at all."""
        path = Path(path)
        columns = {name: getattr(self, name) for name in _COLUMNS if not name.endswith("states")}
        columns["levels"] = self.levels.astype(np.int64)
        words = {name: np.array(getattr(self, name)) for name in (*_WORDS, "digest")}
        packed = {}
        for name in _STATES:
            data = getattr(self, name)
            packed[name] = np.frombuffer(b"".join(data), np.uint8)
            packed[f"{name}_lengths"] = np.array([len(state) for state in data], np.int64)
        buffer = io.BytesIO()
        packed[_PLAYED] = np.array(self.played, np.int64)
        np.savez_compressed(buffer, format=np.array(_FORMAT), **columns, **words, **packed)
        write_bytes(path, buffer.getvalue())

    @classmethod
    def load(cls, path: str | Path) -> MinimalPairs:
        """Read what `save` wrote.

        Raises:
            SceneError: for a missing, foreign, truncated or otherwise altered file, and for a state that is not safe.
        """
        try:
            with np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False) as file:
                arrays = dict(file)
        except Exception as error:  # unpacking damaged bytes can fail in as many ways as there are decoders
            raise SceneError(f"{path}: not a file of minimal pairs, or cut off or damaged ({error})") from error
        if "format" not in arrays or str(arrays["format"]) != _FORMAT:
            raise SceneError(f"{path}: not a file of minimal pairs (no mark {_FORMAT!r})")
        try:
            return cls._unpacked(arrays)
        except StateError as error:
            raise SceneError(f"{path}: {error}") from None

    @property
    def digest(self) -> str:
        """SHA-256 of everything that the pairs hold, in hexadecimal."""
        result = hashlib.sha256(json.dumps([getattr(self, name) for name in _WORDS]).encode())
        result.update(
            np.array([len(self), *map(len, self.clean_states), *map(len, self.corrupted_states)], "<i8").tobytes()
        )
        for part in (self.clean, self.corrupted, self.levels.astype("<i8")):
            result.update(part.tobytes())
        for state in (*self.clean_states, *self.corrupted_states):
            result.update(state)
        if self.played:
            result.update(np.array(self.played, "<i8").tobytes())
        return result.hexdigest()

    @classmethod
    def _unpacked(cls, arrays: dict[str, np.ndarray]) -> MinimalPairs:
        arrays = {_PLAYED: np.empty(0, np.int64)} | arrays
        if set(arrays) != _KEYS:
            lacking, foreign = sorted(_KEYS - set(arrays)), sorted(set(arrays) - _KEYS)
            raise SceneError(f"a damaged file of minimal pairs: it lacks {lacking} and has {foreign} too many")
        for name, kind in _DTYPES.items():
            axes = 4 if name in ("clean", "corrupted") else 1
            if arrays[name].dtype != kind or arrays[name].ndim != axes:
                found = f"{arrays[name].ndim} axes of {arrays[name].dtype}"
                raise SceneError(f"{name}: {found}, expected {axes} of {kind}")
        states = {name: _cut(name, arrays[name], arrays[f"{name}_lengths"]) for name in _STATES}
        variable, clean_label, corrupted_label = (str(arrays[name]) for name in _WORDS)
        frames = arrays["clean"], arrays["corrupted"]
        pairs = cls(
            variable, clean_label, corrupted_label, *frames, arrays["levels"], **states, played=tuple(arrays[_PLAYED])
        )
        if pairs.digest != str(arrays["digest"]):
            raise SceneError("frames, states, levels or words are not those that were saved: the digest differs")
        for side in ("clean", "corrupted"):
            pairs.states(side)
        return pairs

    def _rows(self, rows: Any) -> np.ndarray:
        """What `select` was given, if it says which pairs are meant."""
        try:
            given = np.asarray(rows)
        except ValueError:  # rows of unequal lengths
            given = np.empty((0, 0))
        if given.shape == (0,) and given.dtype.kind == "f":
            given = given.astype(np.int64)  # an empty list
        if given.ndim != 1 or given.dtype.kind not in "iub":
            raise SceneError(
                f"select: places of pairs or a mask are needed, such as [0, 2] or pairs.levels > 5, got {rows!r:.80}"
            )
        if given.dtype.kind == "b" and len(given) != len(self):
            raise SceneError(f"select: a mask of {len(given)} for {len(self)} pairs; it needs a truth value for each")
        if given.dtype.kind != "b" and len(outside := given[(given < -len(self)) | (given >= len(self))]):
            raise SceneError(f"select: there is no pair {outside[0]}; there are {len(self)}, the first is 0")
        return given

    def _side(self, which: Side) -> tuple[bytes, ...]:
        if which not in ("clean", "corrupted"):
            raise SceneError(f"which: {which!r}, the sides are 'clean' and 'corrupted'")
        return self.clean_states if which == "clean" else self.corrupted_states


def _cut(name: str, data: UInt8[np.ndarray, " bytes"], lengths: Int64[np.ndarray, " states"]) -> tuple[bytes, ...]:
    """The states that lie one behind the other."""
    if (lengths < 0).any() or (lengths > len(data)).any() or lengths.sum() != len(data):
        raise SceneError(f"{name}: their lengths do not add up to the {len(data)} bytes that are there")
    ends = np.concatenate([[0], lengths.cumsum()]).tolist()
    return tuple(data[start:end].tobytes() for start, end in pairwise(ends))


def joined(parts: Sequence[MinimalPairs], *, variable: str) -> MinimalPairs:
    """Several sets of pairs as one, such as a coin on the right and a coin on the left as a coin anywhere."""
    if not parts:
        raise SceneError("joined: no pairs were given")
    return MinimalPairs(
        variable,
        parts[0].clean_label,
        parts[0].corrupted_label,
        np.concatenate([part.clean for part in parts]),
        np.concatenate([part.corrupted for part in parts]),
        np.concatenate([part.levels for part in parts]),
        tuple(state for part in parts for state in part.clean_states),
        tuple(state for part in parts for state in part.corrupted_states),
        _all_played(parts),
    )


def _all_played(parts: Sequence[MinimalPairs]) -> tuple[int, ...]:
    """What was played for any of them; of pairs of which that is not known, their own levels."""
    if not any(part.played for part in parts):
        return ()
    return tuple(seed for part in parts for seed in part.played or part.levels.tolist())


_COLUMNS = tuple(field.name for field in fields(MinimalPairs) if field.name not in (*_WORDS, _PLAYED))
