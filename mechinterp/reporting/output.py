"""Write a page and its figures into a folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from mechinterp._files import write_text
from mechinterp.reporting.errors import ResultsError
from mechinterp.reporting.page.render import Page, render
from mechinterp.reporting.png import pictures

FIGURES = "figures"
"""The folder of a page's figures, in that of the page."""


@dataclass(frozen=True)
class Written:
    """The files of a report.

    Attributes:
        page: the HTML page.
        figures: each figure as plotly JSON and, where that was possible, as PNG.
        note: why there are no PNG files; None where there are, or where none were asked for.
    """

    page: Path
    figures: tuple[Path, ...]
    note: str | None


def write(page: Page, folder: str | Path, *, name: str = "report.html", png: bool = True) -> Written:
    """Write the page as `name`, and ``figures/NAME.json`` and ``NAME.png``, into a folder.

    Args:
        png: whether to draw PNG files as well; needs kaleido and a Chrome or Chromium. Where one of them is missing,
            the rest is written all the same and `Written.note` says what is missing.

    Raises:
        ResultsError: two figures of one name.
        OSError: the folder cannot be written.
    """
    folder = Path(folder)
    figures = [figure for section in page.sections for figure in section.figures]
    names = [figure.name for figure in figures]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ResultsError(f"two figures of this page are called {twice[0]!r}; their files would replace each other")
    files = [folder / FIGURES / f"{figure.name}.json" for figure in figures]
    for figure, path in zip(figures, files, strict=True):
        write_text(path, json.dumps(figure.content(), separators=(",", ":")) + "\n")
    write_text(folder / name, render(page))
    images, note = pictures(figures, folder / FIGURES) if png else ([], None)
    for path in (folder / FIGURES / f"{figure.name}.png" for figure in figures):
        if path not in images:
            path.unlink(missing_ok=True)  # of an earlier page, with other numbers
    return Written(folder / name, (*files, *images), note)
