"""How much is measured, and the random generators: what decides the numbers besides the policy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mechinterp.experiments.errors import ExperimentError
from mechinterp.policies.levels import LEVELS

Tick = Callable[[str], None]
"""Told in words what is being done."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much to measure, as far as all slices of a page share it; each slice has its own `Sizes` besides.

    Attributes:
        levels: held-out levels for behaviour; scenes come from as many others.
        states: states sampled from each scene level.
        seed: random seed of everything that is drawn.
        quick: a first look, with wide intervals: slices take their quick size.
        hooks: hook points to ask, where a page takes a choice; None for its own.
    """

    levels: int
    states: int = 3
    seed: int = 0
    quick: bool = False
    hooks: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name, least in (("levels", 10), ("states", 1), ("seed", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise ExperimentError(f"{name}: {value!r}, but it must be a whole number, at least {least}")
        if not isinstance(self.quick, bool):
            raise ExperimentError(f"quick: {self.quick!r}, but it must be True or False")
        if self.hooks is not None and not isinstance(self.hooks, tuple):
            raise ExperimentError(f"hooks: {self.hooks!r}, but they must be a tuple of names; Policy.select makes one")
        if self.levels < 10:
            raise ExperimentError(f"levels: {self.levels}; at least 10 are needed for the intervals, n counts levels")
        if self.levels > (most := min(LEVELS[name].count for name in ("behaviour", "scenes", "localization"))):
            raise ExperimentError(f"levels: {self.levels}; there are {most:,} of each kind that nothing trains on")
        if self.states < 1:
            raise ExperimentError(f"states: {self.states} a level; at least 1 is needed")
        if not 0 <= self.seed < 2**63:
            raise ExperimentError(f"seed: {self.seed}, allowed are 0 to 2**63 - 1")


def generator(seed: int, name: str) -> np.random.Generator:
    """The random generator of one slice, or of one shared input: equal seed and name give equal draws."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    return np.random.default_rng([seed, key])
