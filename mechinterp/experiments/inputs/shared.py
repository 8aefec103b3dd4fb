"""`Inputs`: the subject, the plan, and a memory of what has been made for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from mechinterp.experiments.plan import Plan, Tick, generator
from mechinterp.policies.subject import Subject

MadeT = TypeVar("MadeT")


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
