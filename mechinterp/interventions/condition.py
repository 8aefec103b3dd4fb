"""What a condition is, and those that are made of others: where an edit is done, and where not."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mechinterp.interventions.data import Data
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.moments import Moment


class Condition(Data):
    """Holds or does not hold at a moment. ``a & b``, ``a | b`` and ``~a`` make others."""

    what: ClassVar[str] = "condition"

    @property
    def reads_output(self) -> bool:
        """Whether it needs what the network says of the frame without edits: one more forward pass."""
        return False

    @abstractmethod
    def holds(self, moment: Moment) -> bool:
        """Whether it does, at this moment."""

    def __and__(self, other: Condition) -> Condition:
        return AllOf((self, _checked(other)))

    def __or__(self, other: Condition) -> Condition:
        return AnyOf((self, _checked(other)))

    def __invert__(self) -> Condition:
        return Not(self)


@dataclass(frozen=True)
class Not(Condition):
    """The other does not hold."""

    condition: Condition

    def __post_init__(self) -> None:
        _checked(self.condition)

    @property
    def reads_output(self) -> bool:
        return self.condition.reads_output

    def holds(self, moment: Moment) -> bool:
        return not self.condition.holds(moment)

    def __str__(self) -> str:
        return f"not ({self.condition})"


@dataclass(frozen=True)
class _Several(Condition):
    conditions: tuple[Condition, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "conditions", tuple(_checked(one) for one in self.conditions))
        if not self.conditions:
            raise InterventionError(f"{type(self).__name__}: no conditions were given")

    @property
    def reads_output(self) -> bool:
        return any(one.reads_output for one in self.conditions)


@dataclass(frozen=True)
class AllOf(_Several):
    """All of these hold."""

    def holds(self, moment: Moment) -> bool:
        return all(one.holds(moment) for one in self.conditions)

    def __str__(self) -> str:
        return " and ".join(f"({one})" for one in self.conditions)


@dataclass(frozen=True)
class AnyOf(_Several):
    """At least one of these holds."""

    def holds(self, moment: Moment) -> bool:
        return any(one.holds(moment) for one in self.conditions)

    def __str__(self) -> str:
        return " or ".join(f"({one})" for one in self.conditions)


@dataclass(frozen=True)
class Where(Condition):
    """What a function of the moment says. It lives in memory: an edit with it cannot be saved.

    Attributes:
        function: moment -> whether it holds.
        words: what it asks, for people.
    """

    function: Callable[[Moment], bool]
    words: str

    def __post_init__(self) -> None:
        if not callable(self.function) or not isinstance(self.words, str) or not self.words:
            raise InterventionError(
                f"Where: a function of a moment and words for it are needed, got {self.function!r:.80}"
            )

    def holds(self, moment: Moment) -> bool:
        answer = self.function(moment)
        if not isinstance(answer, bool | np.bool_):
            raise InterventionError(f"Where {self.words}: the function must say True or False, it said {answer!r:.80}")
        return bool(answer)

    @property
    def reads_output(self) -> bool:
        return True  # nobody knows what it reads

    def to_dict(self) -> dict[str, Any]:
        raise InterventionError(
            f"the condition {self.words!r} is a function, which cannot be saved; use those of "
            "`mechinterp.interventions.conditions`, which are data"
        )

    def __str__(self) -> str:
        return self.words


def _checked(condition: Any) -> Condition:
    if not isinstance(condition, Condition):
        raise InterventionError(f"a condition such as InView('coin') is needed, got {condition!r:.80}")
    return condition
