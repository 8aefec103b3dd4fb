"""`Inputs`: the subject, the plan, and a memory of what has been made for them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from mechinterp.experiments.slice import ExperimentError, Tick
from mechinterp.policies.levels import LEVELS
from mechinterp.policies.subject import Subject

MadeT = TypeVar("MadeT")


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
        if self.levels < 10:
            raise ExperimentError(f"levels: {self.levels}; at least 10 are needed for the intervals, n counts levels")
        if self.levels > (most := min(LEVELS[name].count for name in ("behaviour", "scenes", "localization"))):
            raise ExperimentError(f"levels: {self.levels}; there are {most:,} of each kind that nothing trains on")
        if self.states < 1:
            raise ExperimentError(f"states: {self.states} a level; at least 1 is needed")


def generator(seed: int, name: str) -> np.random.Generator:
    """The random generator of one slice, or of one shared input: equal seed and name give equal draws."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    return np.random.default_rng([seed, key])


class Inputs:
    """Makes each shared input once.

    An input is a function of `Inputs`; ``inputs(scene_states)`` calls it the first time and remembers what it returned.
    It may ask for other inputs. What decides its value is the subject, the plan and its own generator alone, so that a
    run that resumes makes the same.
    """

    def __init__(self, subject: Subject, plan: Plan, *, tick: Tick = lambda words: None) -> None:
        self.subject = subject
        self.plan = plan
        self.tick = tick
        self._made: dict[Any, Any] = {}

    def __call__(self, make: Callable[[Inputs], MadeT]) -> MadeT:
        """What `make` returns for this subject and plan."""
        if make not in self._made:
            self._made[make] = make(self)
        return self._made[make]

    def rng(self, name: str) -> np.random.Generator:
        """A generator for the input of this name, always from its beginning."""
        return generator(self.plan.seed, name)
