"""`When`: an edit that is done only while a condition holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from mechinterp.interventions.base import Edit, Looked
from mechinterp.interventions.condition import Condition
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.moments import Moment


@dataclass(frozen=True, eq=False, repr=False, init=False)
class When(Edit):
    """Another edit, done only in rows and at steps where a condition on the game holds.

    Attributes:
        edit: what is done.
        condition: when.
    """

    edit: Edit
    condition: Condition

    def __init__(self, edit: Edit, condition: Condition) -> None:
        if not isinstance(edit, Edit) or not isinstance(condition, Condition):
            raise InterventionError(
                f"When takes an edit and a condition such as InView('coin'), got {edit!r:.60} and {condition!r:.60}"
            )
        own = {"hook": edit.hook, "channels": edit.channels, "positions": edit.positions}
        for name, value in (own | {"edit": edit, "condition": condition}).items():
            object.__setattr__(self, name, value)

    def check(self, shape: Sequence[int]) -> None:
        self.edit.check(shape)

    def check_rows(self, rows: int) -> None:
        self.edit.check_rows(rows)

    @property
    def momentary(self) -> bool:
        return True

    @property
    def reads_output(self) -> bool:
        return self.condition.reads_output or self.edit.reads_output

    @property
    def by_row(self) -> bool:
        return self.edit.by_row

    def for_row(self, row: int) -> Edit:
        return When(self.edit.for_row(row), self.condition) if self.by_row else self

    def look(self, moment: Moment, side: int) -> Looked | None:
        return self.edit.look(moment, side) if self.condition.holds(moment) else None

    def ready(self, like: Tensor) -> Callable[[Tensor, Looked], None]:
        return self.edit.ready(like)

    def _edited(self, value: Tensor, looked: Looked) -> Tensor:
        return self.edit._edited(value, looked)

    def describe(self) -> str:
        return f"{self.edit.describe().removesuffix('.')}, when {self.condition}."

    def _new(self, value: Tensor) -> Tensor:
        return self.edit._new(value)

    def __str__(self) -> str:
        return f"{self.edit} when {self.condition}"

    def __repr__(self) -> str:
        return f"When({self.edit!r}, {self.condition!r})"

    def to_dict(self) -> dict[str, Any]:
        return {"edit": "When", "what": self.edit.to_dict(), "condition": self.condition.to_dict()}

    @classmethod
    def _from_plain(cls, given: Mapping[str, Any]) -> Edit:
        return cls(Edit.from_dict(given["what"]), Condition.from_dict(given["condition"]))
