"""Pure functions from a section of results to its plotly figures."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from mechinterp.reports import checks

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from mechinterp.reports.results import Results
    from mechinterp.reports.section import Section


def figures(section: Section) -> list[go.Figure]:
    """The figures of a section, in the order of the report; each carries its name in ``layout.meta["name"]``.

    Raises:
        ResultsError: the section does not fit the schema.
    """
    checks.check(section)
    return importlib.import_module(f"{__name__}.{section.name}").figures(section)


def draw(results: Results) -> dict[str, list[go.Figure]]:
    """The figures of every section that was measured, by its name."""
    return {name: figures(section) for name, section in results.sections.items()}
