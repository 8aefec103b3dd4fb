"""Figures as PNG files, through kaleido and a Chrome or Chromium, where there are both."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from mechinterp.reporting.figure import Figure

_OPTIONS = {"format": "png", "width": 1040, "scale": 2}
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def pictures(figures: Sequence[Figure], folder: Path) -> tuple[list[Path], str | None]:
    """Each figure as ``NAME.png``; or none, and why there are none."""
    import shutil
    from importlib.util import find_spec

    if find_spec("kaleido") is None:
        return [], "no PNG files: kaleido is not installed (pip install 'mechinterp[png]')"
    if not os.environ.get("BROWSER_PATH") and not any(map(shutil.which, _BROWSERS)):
        return [], "no PNG files: no Chrome or Chromium was found (set BROWSER_PATH to one)"
    import kaleido

    specs = [
        {
            "fig": json.loads(figure.plot.to_json() or "{}"),
            "path": folder / f"{figure.name}.png",
            "opts": _OPTIONS | {"height": figure.plot.layout.height},  # pyright: ignore
        }
        for figure in figures
    ]
    try:
        kaleido.write_fig_from_object_sync(specs, kopts={"mathjax": False})  # or else it is fetched from the web
    except Exception as error:  # whatever a browser can do wrong must not cost the report
        return [], f"no PNG files: {type(error).__name__}: {str(error).strip() or 'the browser failed'}"[:300]
    return [spec["path"] for spec in specs], None
