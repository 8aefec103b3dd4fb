"""What a view hands to a page: figures with their captions, headlines, key numbers, small tables."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mechinterp.reporting.errors import ResultsError

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, eq=False)
class Figure:
    """A plot and what it shows, in words.

    Attributes:
        plot: made with `plots.style.figure`, whose title is the question that it answers.
        caption: its sentences; several lines become a list.
    """

    plot: go.Figure
    caption: str

    def __post_init__(self) -> None:
        if not self.caption.strip():
            raise ResultsError(f"figure {self.name!r} has no caption")

    @property
    def name(self) -> str:
        """As given to `plots.style.figure`: what its files are called."""
        return self.plot.layout.meta["name"]  # pyright: ignore

    def content(self) -> dict[str, Any]:
        """The plot as plotly's JSON, in which no text has other markup than `plots.style` allows (no links)."""
        return _tamed(json.loads(self.plot.to_json() or "{}"))


_OTHER_MARKUP = re.compile(r"<(?!/?(?:b|i|br|sub|sup|extra)>|span style='color: ?[#\w]+'>|/span>)")


def _tamed(content: Any) -> Any:
    """The same with every ``<`` that begins no markup of the figure kit's as text."""
    if isinstance(content, str):
        return _OTHER_MARKUP.sub("&lt;", content)
    if isinstance(content, list):
        return [_tamed(one) for one in content]
    if isinstance(content, dict):
        return {key: _tamed(one) for key, one in content.items()}
    return content


@dataclass(frozen=True)
class KeyNumber:
    """One of the few numbers at the top of a page.

    Attributes:
        label: what it is.
        value: the number, in words.
        context: its interval, n, and whatever it is to be compared with.
    """

    label: str
    value: str
    context: str


@dataclass(frozen=True)
class Table:
    """A small table of texts; with no `columns`, of two columns: item and value."""

    rows: Sequence[Sequence[str]]
    columns: Sequence[str] = ()


@dataclass(frozen=True)
class Text:
    """What a section says in words.

    Attributes:
        headlines: sentences for the top of the page: the section's answer, as strongly as its intervals allow.
        keys: key numbers for the top of the page.
        tables: small tables that open the section.
    """

    headlines: Sequence[str] = ()
    keys: Sequence[KeyNumber] = ()
    tables: Sequence[Table] = field(default=())


def not_measured(reasons: Mapping[str, str]) -> tuple[Table, ...]:
    """A table of what could not be measured, and why; none where nothing was left out."""
    rows = [(what, why) for what, why in reasons.items()]
    return (Table(rows=rows, columns=("not measured", "reason")),) if rows else ()
