"""The page of an atlas: the report's looks, with its own sections and headline."""

from __future__ import annotations

from html import escape
from pathlib import Path

from mechinterp.reporting.errors import ResultsError
from mechinterp.reporting.plots import style
from mechinterp.reports import schema_atlas
from mechinterp.reports.figures import draw
from mechinterp.reports.methods import INTERVALS
from mechinterp.reports.page import parts
from mechinterp.reports.page.document import document
from mechinterp.reports.results import Results, write_text
from mechinterp.reports.sentences import sentences
from mechinterp.reports.sentences.atlas import headline


def write_atlas(results: Results, folder: str | Path) -> Path:
    """Write ``atlas.html`` and ``atlas.json`` into a folder; the page is drawn from what is in the JSON alone.

    Raises:
        ResultsError: results without the section "atlas".
        OSError: the folder cannot be written.
    """
    folder = Path(folder)
    page = render_atlas(results)
    results.save(folder / "atlas.json")
    write_text(folder / "atlas.html", page)
    return folder / "atlas.html"


def render_atlas(results: Results) -> str:
    """The page as text; it needs nothing from anywhere."""
    if "atlas" not in results.sections:
        raise ResultsError("an atlas needs the section 'atlas'; these results have " + ", ".join(results.sections))
    drawn = draw(results)
    body = []
    for name, spec in schema_atlas.SPECS.items():
        if name not in results.sections:
            continue
        section, texts = results.sections[name], sentences(results.sections[name])
        figures = "".join(parts.figure(style.name_of(f), f, texts[style.name_of(f)]) for f in drawn[name])
        body.append(
            f'<section id="{name}"><h2>{escape(spec.title)}</h2><p class="question">{escape(spec.question)}</p>'
            f"{figures}{parts.numbers(section, file='atlas.json')}</section>"
        )
    return document(
        title=f"Where is the coin in {results.identity.name}?",
        kicker=results.identity.network,
        header=f'<p class="headline">{escape(headline(results.sections["atlas"]))}</p>',
        main="".join(body),
        footer=f"<h2>How this atlas was made</h2>\n<p>{escape(INTERVALS)}</p>\n{parts.settings(results)}",
    )
