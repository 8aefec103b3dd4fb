"""Estimates made by hand, and what a figure or a text holds of them, for the tests of views."""

from __future__ import annotations

import json
from typing import TypeVar

from mechinterp.experiments import Record
from mechinterp.reporting.figure import Figure, Text
from mechinterp.stats import Estimate, Null

RecordT = TypeVar("RecordT", bound=Record)


def estimate(value: float, half: float, *, name: str = "made by hand", null: Null | None = None) -> Estimate:
    return Estimate(name=name, value=value, low=value - half, high=value + half, n=24, unit="levels", null=null)


def null(low: float, high: float, *, p: float = 0.01) -> Null:
    return Null(description="made by hand", value=(low + high) / 2, low=low, high=high, p=p)


def spaced(text: str) -> str:
    """The text with plain spaces and minus signs, to be compared with what is typed."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-")


def drawn(figure: Figure) -> set[float]:
    """Every value along x of the figure's dots."""
    return {x for trace in figure.plot.data if trace.mode == "markers" for x in trace.x}


def notes(figure: Figure) -> str:
    """All texts written into the figure."""
    return spaced("\n".join(note.text for note in figure.plot.layout.annotations))


def reasons(text: Text) -> list[tuple[str, ...]]:
    """The rows of the table of what was not measured."""
    return [tuple(row) for table in text.tables for row in table.rows]


def read_back(result: RecordT) -> RecordT:
    """The result after it was written as JSON and read."""
    return type(result).model_validate_json(json.dumps(result.model_dump(mode="json")))
