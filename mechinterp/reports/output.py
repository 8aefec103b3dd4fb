"""Write a report: the page, the results, and each figure by itself."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mechinterp.reporting.plots import style
from mechinterp.reports.figures import draw
from mechinterp.reports.page import render
from mechinterp.reports.results import Results, write_text

if TYPE_CHECKING:
    import plotly.graph_objects as go


_OPTIONS = {"format": "png", "width": 1040, "scale": 2}


@dataclass(frozen=True)
class Written:
    """The files of a report."""

    page: Path
    results: Path
    figures: tuple[Path, ...]
    note: str | None
    """Why there are no PNG files, or None where there are (or none were asked for)."""


def write(results: Results, folder: str | Path, *, png: bool = True) -> Written:
    """Write ``report.html``, ``results.json`` and ``figures/NAME.json`` (and ``NAME.png``) into a folder.

    Args:
        png: whether to draw PNG files as well; needs kaleido and a Chrome or Chromium. Where one of them is missing,
            the rest is written all the same and `Written.note` says what is missing.

    Raises:
        ResultsError: results that do not fit the schema.
        OSError: the folder cannot be written.
    """
    folder = Path(folder)
    results.save(folder / "results.json")  # first: whatever happens while drawing, the numbers are there
    by_section = draw(results)
    drawn = {style.name_of(fig): fig for figures in by_section.values() for fig in figures}
    files = []
    for name, fig in drawn.items():
        path = folder / "figures" / f"{name}.json"
        write_text(path, (fig.to_json(pretty=False) or "") + "\n")
        files.append(path)
    write_text(folder / "report.html", render(results, by_section))
    images, note = pictures(drawn, folder / "figures") if png else ([], None)
    return Written(folder / "report.html", folder / "results.json", (*files, *images), note)


def pictures(drawn: dict[str, go.Figure], folder: Path) -> tuple[list[Path], str | None]:
    """Each figure as a PNG file, or none and why."""
    import shutil
    from importlib.util import find_spec

    if find_spec("kaleido") is None:
        return [], "no PNG files: kaleido is not installed (pip install 'mechinterp[png]')"
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    if not os.environ.get("BROWSER_PATH") and not any(map(shutil.which, names)):
        return [], "no PNG files: no Chrome or Chromium was found (set BROWSER_PATH to one)"
    import kaleido

    specs = [
        {
            "fig": json.loads(fig.to_json() or "{}"),
            "path": folder / f"{name}.png",
            "opts": _OPTIONS | {"height": fig.layout.height},  # pyright: ignore,
        }
        for name, fig in drawn.items()
    ]
    try:
        kaleido.write_fig_from_object_sync(specs, kopts={"mathjax": False})  # or else it is fetched from the web
    except Exception as error:  # whatever a browser can do wrong must not cost the report
        return [], f"no PNG files: {type(error).__name__}: {str(error).strip() or 'the browser failed'}"[:300]
    return [spec["path"] for spec in specs], None
