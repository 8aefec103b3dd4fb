"""What each figure shows, in plain words with its numbers; how much is claimed depends on the interval alone."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from mechinterp.reports import checks

if TYPE_CHECKING:
    from mechinterp.reports.section import Section


def sentences(section: Section) -> dict[str, str]:
    """By the name of the figure: the text that stands under it.

    Raises:
        ResultsError: the section does not fit the schema.
    """
    checks.check(section)
    return importlib.import_module(f"{__name__}.{section.name}").sentences(section)
