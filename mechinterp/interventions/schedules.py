"""Schedules: a coefficient over the steps of an episode, as data."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from mechinterp.interventions.data import Data, check_number
from mechinterp.interventions.errors import InterventionError


class Schedule(Data):
    """A coefficient that depends on the step, counted from the episode's start (0)."""

    what: ClassVar[str] = "schedule"

    @abstractmethod
    def at(self, step: int) -> float:
        """The coefficient at this step."""


@dataclass(frozen=True)
class Constant(Schedule):
    """The same at every step."""

    strength: float

    def __post_init__(self) -> None:
        check_number("Constant: strength", self.strength)

    def at(self, step: int) -> float:
        return self.strength

    def __str__(self) -> str:
        return f"{self.strength:g}"


@dataclass(frozen=True)
class Pulse(Schedule):
    """`strength` from step `first` to step `last`, both included, and 0 before and after."""

    strength: float
    first: int
    last: int

    def __post_init__(self) -> None:
        check_number("Pulse: strength", self.strength)
        _check_span(self, self.first, self.last)

    def at(self, step: int) -> float:
        return self.strength if self.first <= step <= self.last else 0.0

    def __str__(self) -> str:
        return f"{self.strength:g} from step {self.first} to {self.last}"


@dataclass(frozen=True)
class Ramp(Schedule):
    """`start` up to step `first`, `end` from step `last` on, and on a line between them."""

    start: float
    end: float
    first: int
    last: int

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            check_number(f"Ramp: {name}", getattr(self, name))
        _check_span(self, self.first, self.last)

    def at(self, step: int) -> float:
        share = (step - self.first) / max(self.last - self.first, 1)
        return self.start + (self.end - self.start) * min(max(share, 0.0), 1.0)

    def __str__(self) -> str:
        return f"{self.start:g} to {self.end:g} over steps {self.first} to {self.last}"


@dataclass(frozen=True)
class Decay(Schedule):
    """`strength` at step 0, half of it every `half_life` steps."""

    strength: float
    half_life: float

    def __post_init__(self) -> None:
        check_number("Decay: strength", self.strength)
        check_number("Decay: half_life", self.half_life, least=1e-6)

    def at(self, step: int) -> float:
        return self.strength * 0.5 ** (step / self.half_life)

    def __str__(self) -> str:
        return f"{self.strength:g}, half of it every {self.half_life:g} steps"


def _check_span(schedule: Schedule, first: int, last: int) -> None:
    name = type(schedule).__name__
    for what, step in (("first", first), ("last", last)):
        check_number(f"{name}: {what}", step, least=0, whole=True)
    if last < first:
        raise InterventionError(f"{name}: it ends at step {last}, before it begins at {first}")
