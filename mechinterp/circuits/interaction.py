"""Interactions of two variables: the effect of the one with the other, minus its effect without.

A gate (coin right AND hazard) carries the same value in both frames of a pair that differs in the coin alone, so no
such pair shows the part that reads the hazard. Four frames do. For a circuit C, a patch or an edge, let F(a, b) be the
metric of a run in which it carries what it carries in frame (a, b), and all else what it carries in the frame with
neither (denoising; noising, the other way around). What it carries of the interaction is then

    F(1, 1) - F(1, 0) - F(0, 1) + F(0, 0),

which is 0 for nothing, and the whole interaction for the whole network. It is a sum of three effects on pairs, so that
everything that patches pairs measures it.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import numpy as np
from jaxtyping import Int64, UInt8

from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.metrics import is_distance
from mechinterp.circuits.pairs import FramePairs, Pairs, as_frames
from mechinterp.circuits.pairwise import PairwiseEffects

E = TypeVar("E", bound=PairwiseEffects[Any])
Options = ParamSpec("Options")


@dataclass(frozen=True, eq=False)
class TwoByTwo:
    """Scenes in four versions: two variables, each one way or the other.

    Attributes:
        both, first, second, neither: frames in which both variables, one of them, or none is its own way.
        levels: the level (cluster) of each scene.

    Raises:
        CircuitError: frames of different shapes, or no frames.
    """

    both: UInt8[np.ndarray, "scenes 64 64 3"]
    first: UInt8[np.ndarray, "scenes 64 64 3"]
    second: UInt8[np.ndarray, "scenes 64 64 3"]
    neither: UInt8[np.ndarray, "scenes 64 64 3"]
    levels: Int64[np.ndarray, " scenes"] = None  # pyright: ignore[reportAssignmentType]: never None once made

    def __post_init__(self) -> None:
        names = ("both", "first", "second", "neither")
        for name in names:
            object.__setattr__(self, name, as_frames(getattr(self, name), name))
        if len({getattr(self, name).shape for name in names}) > 1:
            shapes = ", ".join(f"{name} {len(getattr(self, name))}" for name in names)
            raise CircuitError(f"2 x 2 scenes need as many frames of each version, got {shapes}")
        checked = FramePairs(self.both, self.neither, self.levels)
        object.__setattr__(self, "levels", checked.levels)

    @classmethod
    def of(cls, with_it: Pairs, without: Pairs) -> TwoByTwo:
        """From minimal pairs of one variable, with another variable and without it, row by row of the same scenes.

        Raises:
            CircuitError: pairs of different levels.
        """
        if not np.array_equal(with_it.levels, without.levels):
            raise CircuitError("2 x 2 scenes need pairs of the same scenes, row by row; these are of different levels")
        return cls(with_it.clean, without.clean, with_it.corrupted, without.corrupted, with_it.levels)

    @property
    def clean(self) -> UInt8[np.ndarray, "scenes 64 64 3"]:
        """The frames in which both variables are their own way: what an interaction is about."""
        return self.both

    @property
    def corrupted(self) -> UInt8[np.ndarray, "scenes 64 64 3"]:
        """Those in which neither is: what everything outside of a circuit carries."""
        return self.neither

    def __len__(self) -> int:
        return len(self.levels)

    def __repr__(self) -> str:
        return f"TwoByTwo({len(self)} scenes of {len(np.unique(self.levels))} levels)"

    def select(self, rows: np.ndarray) -> TwoByTwo:
        """The same for some of the scenes, by position or mask."""
        return TwoByTwo(self.both[rows], self.first[rows], self.second[rows], self.neither[rows], self.levels[rows])

    def interaction(self, measured: Callable[[FramePairs], E]) -> E:
        """Effects on the interaction, from a measurement of effects on pairs, such as ``lambda pairs: patch(...)``.

        Raises:
            CircuitError: metrics that compare two runs, such as the KL divergence: differences of them mean nothing.
        """
        whole, *parts = (
            measured(FramePairs(frames, self.neither, self.levels)) for frames in (self.both, self.first, self.second)
        )
        if distances := [name for name in whole.metrics if is_distance(name)]:
            raise CircuitError(
                f"an interaction is a difference of differences; {distances[0]!r} is a distance, and has none"
            )

        def less(name: str) -> np.ndarray:
            return getattr(whole, name) - sum(getattr(part, name) for part in parts)

        return dataclasses.replace(whole, **{name: less(name) for name in ("values", "start", "goal")})


def of_scenes(measure: Callable[Options, E]) -> Callable[Options, E]:
    """A measurement ``measure(policy, pairs, ...)`` of effects on pairs that takes `TwoByTwo` scenes too."""

    @functools.wraps(measure)
    def measured(*given: Options.args, **options: Options.kwargs) -> E:
        if len(given) > 1 and isinstance(scenes := given[1], TwoByTwo):
            subject, _, *rest = given
            return scenes.interaction(lambda pairs: measure(subject, pairs, *rest, **options))  # pyright: ignore
        return measure(*given, **options)

    return measured
