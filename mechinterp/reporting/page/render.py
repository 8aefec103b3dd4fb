"""One HTML page that needs nothing else: it asks for nothing from anywhere and runs only its own scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from mechinterp.reporting import wording
from mechinterp.reporting.figure import Figure, Text
from mechinterp.stats import Estimate

if TYPE_CHECKING:
    from jinja2 import Environment

SECURITY_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
"""Content security policy: the browser itself refuses any request that the page might make."""
INTERVALS = (
    "Square brackets hold 95 % confidence intervals; n counts independent samples (levels), never the frames within "
    "them. An effect is called clear when its interval excludes 0 and, where a null distribution was drawn, p is below "
    "0.05."
)
MOST_IN_A_ROW = 40
"""Numbers of one list or mapping that a page shows; where there are more (one a channel), it says how many."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Section:
    """One section of a page.

    Attributes:
        name: the anchor, and the start of its figures' addresses.
        title, question: its heading, and the line under it.
        figures, text: see `Figure` and `Text`.
        method: paragraphs on how it was measured.
        numbers: every estimate with its path in the results file.
    """

    name: str
    title: str
    question: str
    figures: Sequence[Figure] = ()
    text: Text = field(default_factory=Text)
    method: Sequence[str] = ()
    numbers: Sequence[tuple[str, Estimate]] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Page:
    """A whole page.

    Attributes:
        title: its heading, a question.
        kicker: the line above it.
        sections: in order; headlines and key numbers come from them.
        settings: how it was made, a mapping of plain values.
        left_out: titles of sections that were not asked for.
        numbers_file: where all numbers are, for the reader.
    """

    title: str
    kicker: str
    sections: Sequence[Section]
    settings: Mapping[str, Any]
    left_out: Sequence[str] = ()
    numbers_file: str = "results.json"


def render(page: Page) -> str:
    """The page as text; equal pages give equal texts."""
    from plotly.offline import get_plotlyjs

    assets = resources.files("mechinterp.reporting.page")
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            page=page,
            policy=SECURITY_POLICY,
            intervals=INTERVALS,
            headlines=[line for section in page.sections for line in section.text.headlines],
            keys=[(section.name, key) for section in page.sections for key in section.text.keys],
            settings=settings_rows(page.settings),
            style=assets.joinpath("style.css").read_text(encoding="utf-8"),
            script=assets.joinpath("draw.js").read_text(encoding="utf-8"),
            plotly=get_plotlyjs(),
        )
    )


def plot_data(figure: Figure) -> dict[str, Any]:
    """A figure ready for the page: its title taken out (it becomes a heading), and the room of the title with it."""
    content = figure.content()
    layout = content["layout"]
    layout.pop("title")
    question = figure.plot.layout.title.text or figure.name  # pyright: ignore
    margin = layout.setdefault("margin", {})
    cut = 36  # the height that the title took
    margin["t"] = max(30, margin.get("t", layout["template"]["layout"]["margin"]["t"]) - cut)
    layout["height"] -= cut
    data = json.dumps({"data": content["data"], "layout": layout}, separators=(",", ":"))
    return {
        "question": question,
        "height": layout["height"],
        "data": data.replace("<", "\\u003c"),  # so that it cannot end the script element that it stands in
        "lines": figure.caption.split("\n"),
    }


def number_rows(numbers: Sequence[tuple[str, Estimate]]) -> tuple[list[dict[str, str]], int]:
    """Rows of the table of numbers, and how many estimates of long lists were left out."""
    containers: dict[str, int] = {}
    for path, _ in numbers:
        parent = _parent(path)
        containers[parent] = containers.get(parent, 0) + 1
    kept = [(path, e) for path, e in numbers if containers[_parent(path)] <= MOST_IN_A_ROW]
    return [_number_row(path, e) for path, e in kept], len(numbers) - len(kept)


def settings_rows(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Settings as pairs of texts; nested mappings on one line."""
    rows = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            rows.append((key, ", ".join(f"{k} {v}" for k, v in value.items())))
        elif isinstance(value, list | tuple):
            rows.append((key, ", ".join(map(str, value))))
        else:
            rows.append((key, str(value)))
    return [row for row in rows if row[1]]


def looks_like_code(text: str) -> bool:
    """Whether a text has long unbroken words (hashes, paths), or is a command."""
    return any(len(word) > 24 for word in text.split()) or text.startswith("mechinterp ")


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _number_row(path: str, estimate: Estimate) -> dict[str, str]:
    value, low, high = wording.ends(estimate)
    null = estimate.null
    band = "" if null is None else f"{wording.plain(null.low, 3)} to {wording.plain(null.high, 3)}: {null.description}"
    p = "" if null is None or null.p is None else f"{null.p:.2g}"
    return {
        "path": path, "value": value, "interval": f"{low} to {high}", "n": f"{estimate.n} {estimate.unit}",
        "null": band, "p": p,
    }  # fmt: skip


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("mechinterp.reporting", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "plot_data": plot_data, "number_rows": number_rows, "looks_like_code": looks_like_code,
    }  # fmt: skip
    return environment
