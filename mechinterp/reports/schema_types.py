"""What is said of each section of results."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Spec:
    """The names that a section may have; those in `required` it must have.

    `older` are columns that tables had in earlier versions: files that have them can still be read.
    """

    title: str
    question: str
    estimates: tuple[str, ...] = ()
    tables: tuple[tuple[str, tuple[str, ...]], ...] = ()
    older: tuple[tuple[str, tuple[str, ...]], ...] = ()
    arrays: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
