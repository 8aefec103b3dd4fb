"""Minimal pairs: two scenes that differ in one variable, and in nothing else."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from mechinterp import _html
from mechinterp.coinrun import camera
from mechinterp.coinrun.scenes.strata import SceneError, Strata
from mechinterp.coinrun.state import GameState

if TYPE_CHECKING:
    import pandas as pd

    from mechinterp.coinrun.scenes.replaced import Bare, ObjectPairs

__all__ = ["MinimalPairs", "SceneError", "Side", "joined"]

Side = Literal["clean", "corrupted"]
SIDES: tuple[Side, Side] = ("clean", "corrupted")
WORDS = ("variable", "clean_label", "corrupted_label")
STATES = ("clean_states", "corrupted_states")


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
        strata: in which circumstances each pair lies (see `Strata`); read off the states where none are given.
        refused: why states that were tried gave no pair, and how many for each reason.
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
    strata: Strata = field(default_factory=lambda: Strata({}))
    refused: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in COLUMNS}
        lengths |= {f"stratum {name!r}": len(labels) for name, labels in self.strata.labels.items()}
        if len(set(lengths.values())) != 1:
            raise SceneError(f"minimal pairs of unequal lengths: {lengths}")
        for name in SIDES:
            frames = getattr(self, name)
            if frames.shape[1:] != (64, 64, 3) or frames.dtype != np.uint8:
                raise SceneError(
                    f"{name}: frames of shape {frames.shape[1:]} and type {frames.dtype}, expected (64, 64, 3) of uint8"
                )
        if self.levels.ndim != 1 or self.levels.dtype.kind not in "iu":
            raise SceneError(f"levels: {self.levels.ndim} axes of {self.levels.dtype}, expected 1 of whole numbers")
        object.__setattr__(self, "played", tuple(np.unique(np.array(self.played, np.int64)).tolist()))

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
        return dataclasses.replace(
            self,
            clean=self.clean[chosen],
            corrupted=self.corrupted[chosen],
            levels=self.levels[chosen],
            clean_states=tuple(self.clean_states[i] for i in chosen),
            corrupted_states=tuple(self.corrupted_states[i] for i in chosen),
            strata=self.strata.select(chosen),
        )

    def where(self, stratum: str, label: str) -> MinimalPairs:
        """The pairs of one stratum, such as ``pairs.where("agent", "grounded")``.

        Raises:
            SceneError: no such stratum, or a label that no pair has; with those that there are.
        """
        return self.select(self.strata.mask(stratum, label))

    def with_object(self, name: str) -> ObjectPairs:
        """The same scenes with another object wherever the coin is: a control for what is special to the coin.

        Args:
            name: in `scenes.OBJECTS`, such as "blue coin" or "crate".

        Raises:
            UnknownName: no such object.
            SceneError: no coin in these pairs, or no room for the object in any of them.
        """
        from mechinterp.coinrun.scenes.replaced import with_object

        return with_object(self, name)

    @cached_property
    def without_coins(self) -> dict[Side, Bare]:
        """Both sides without their coins: drawn once for all objects that are put in their place."""
        from mechinterp.coinrun.scenes.replaced import bare_sides

        return bare_sides(self)

    def to_frame(self) -> pd.DataFrame:
        """One row for each pair, as pandas has it: level, what differs, the clock of its scene in steps, its strata."""
        import pandas as pd

        columns = {
            "pair": np.arange(len(self)),
            "level": self.levels,
            **{name: [getattr(self, name)] * len(self) for name in WORDS},
            "clock": np.array([int(state["cur_time"]) for state in self.states("clean")], np.int64),
            **self.strata,
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
        if which not in SIDES:
            raise SceneError(f"which: {which!r}, the sides are 'clean' and 'corrupted'")
        return [GameState.from_bytes(data) for data in getattr(self, f"{which}_states")]

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
        from mechinterp.coinrun.scenes import files

        files.save(self, path)

    @classmethod
    def load(cls, path: str | Path) -> MinimalPairs:
        """Read what `save` wrote.

        Raises:
            SceneError: for a missing, foreign, truncated or otherwise altered file, and for a state that is not safe.
        """
        from mechinterp.coinrun.scenes import files

        return files.load(path)

    @property
    def digest(self) -> str:
        """SHA-256 of everything that the pairs hold, in hexadecimal."""
        from mechinterp.coinrun.scenes import files

        return files.digest(self)

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


def joined(parts: Sequence[MinimalPairs], *, variable: str) -> MinimalPairs:
    """Several sets of pairs as one, such as a coin on the right and a coin on the left as a coin anywhere.

    It has the strata that all of them have.
    """
    if not parts:
        raise SceneError("joined: no pairs were given")
    refused: dict[str, int] = {}
    for part in parts:
        for reason, count in part.refused.items():
            refused[reason] = refused.get(reason, 0) + count
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
        Strata.joined([part.strata for part in parts]),
        refused,
    )


def _all_played(parts: Sequence[MinimalPairs]) -> tuple[int, ...]:
    """What was played for any of them; of pairs of which that is not known, their own levels."""
    if not any(part.played for part in parts):
        return ()
    return tuple(seed for part in parts for seed in part.played or part.levels.tolist())


COLUMNS = ("clean", "corrupted", "levels", *STATES)
