"""The HTML page: everything in one file, which asks for nothing from anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from typing import TYPE_CHECKING

from mechinterp.reports import schema, summary
from mechinterp.reports.errors import ResultsError
from mechinterp.reports.figures import draw, style
from mechinterp.reports.methods import INTERVALS, methods
from mechinterp.reports.page import parts
from mechinterp.reports.results import Results
from mechinterp.reports.section import Section
from mechinterp.reports.sentences import sentences

if TYPE_CHECKING:
    import plotly.graph_objects as go

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
"""Content security policy: the browser itself refuses any request that the page might make."""


def render(results: Results, drawn: Mapping[str, Sequence[go.Figure]] | None = None) -> str:
    """The page as text. The same results give the same page.

    Args:
        drawn: the figures by section, where `figures.draw` has been called already.
    """
    from plotly.offline import get_plotlyjs

    drawn = draw(results) if drawn is None else drawn
    assets = resources.files(__name__)
    body = "\n".join(
        _section(number, name, results, drawn.get(name, ())) for number, name in enumerate(schema.SPECS, 1)
    )
    headline = "\n".join(f'<p class="headline">{escape(line)}</p>' for line in summary.headlines(results))
    title = f"What does {results.identity.name} want?"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>
{assets.joinpath("style.css").read_text(encoding="utf-8")}</style>
</head>
<body>
<header>
<p class="kicker">{escape(results.identity.network)}</p>
<h1>{escape(title)}</h1>
{headline}
{parts.keys(summary.key_numbers(results))}
{parts.contents()}
</header>
<main>
{body}
</main>
<footer>
<h2>How this report was made</h2>
<p>{escape(INTERVALS)}</p>
{parts.settings(results)}
</footer>
<script>{get_plotlyjs()}</script>
<script>
{assets.joinpath("draw.js").read_text(encoding="utf-8")}</script>
</body>
</html>
"""


def _section(number: int, name: str, results: Results, drawn: Sequence[go.Figure]) -> str:
    spec = schema.spec(name)
    section = results.sections.get(name)
    content = (
        '<p class="missing">This part was not measured.</p>' if section is None else _measured(section, results, drawn)
    )
    return f"""<section id="{name}" aria-labelledby="{name}-title">
<h2 id="{name}-title">{number}. {escape(spec.title)}</h2>
<p class="question">{escape(spec.question)}</p>
{content}
</section>"""


def _measured(section: Section, results: Results, drawn: Sequence[go.Figure]) -> str:
    texts = sentences(section)
    made = [parts.card(section, results.identity)] if section.name == "who" else []
    for fig in drawn:
        name = style.name_of(fig)
        if name not in texts:
            raise ResultsError(f"section {section.name!r}: no sentence for the figure {name!r}")
        made.append(parts.figure(name, fig, texts[name]))
    method = "".join(f"<p>{escape(text)}</p>" for text in methods(section))
    made.append(f'<details class="method"><summary>How this was measured</summary>{method}</details>')
    made.append(parts.numbers(section))
    return "\n".join(made)
