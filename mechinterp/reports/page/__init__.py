"""The HTML page: everything in one file, which asks for nothing from anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from mechinterp.reporting.errors import ResultsError
from mechinterp.reporting.plots import style
from mechinterp.reports import schema, summary
from mechinterp.reports.figures import draw
from mechinterp.reports.methods import INTERVALS, methods
from mechinterp.reports.page import parts
from mechinterp.reports.page.document import document
from mechinterp.reports.results import Results
from mechinterp.reports.section import Section
from mechinterp.reports.sentences import sentences

if TYPE_CHECKING:
    import plotly.graph_objects as go


def render(results: Results, drawn: Mapping[str, Sequence[go.Figure]] | None = None) -> str:
    """The page as text. The same results give the same page.

    Args:
        drawn: the figures by section, where `figures.draw` has been called already.
    """
    drawn = draw(results) if drawn is None else drawn
    body = "\n".join(
        _section(number, name, results, drawn.get(name, ())) for number, name in enumerate(schema.SPECS, 1)
    )
    headline = "\n".join(f'<p class="headline">{escape(line)}</p>' for line in summary.headlines(results))
    return document(
        title=f"What does {results.identity.name} want?",
        kicker=results.identity.network,
        header=f"{headline}\n{parts.keys(summary.key_numbers(results))}\n{parts.contents()}",
        main=body,
        footer=f"<h2>How this report was made</h2>\n<p>{escape(INTERVALS)}</p>\n{parts.settings(results)}",
    )


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
