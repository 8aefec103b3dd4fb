"""What mkdocs does besides: runs the code on the pages, writes the pages of the API, and brings plotly's own file.

``DOCS_RUN=0`` leaves the code alone: to look at words quickly.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_site")]

import api  # noqa: E402
import blocks  # noqa: E402
from mkdocs.exceptions import PluginError  # noqa: E402
from mkdocs.structure.files import File, Files  # noqa: E402


def on_config(config: Any) -> Any:
    """The folders of the library in the navigation, under API."""
    pages = [{"mechinterp": "api/mechinterp.md"}, *({name: f"api/{name}.md"} for name in api.folders())]
    for entry in config.nav:
        if "API" in entry:
            entry["API"] = pages
    return config


def on_files(files: Files, config: Any) -> Files:
    """The pages of the API, and plotly's library, so that no page fetches it from elsewhere."""
    from plotly.offline import get_plotlyjs

    for folder in ("", *api.folders()):
        files.append(File.generated(config, f"api/{folder or 'mechinterp'}.md", content=api.page(folder)))
    files.append(File.generated(config, "assets/plotly.min.js", content=get_plotlyjs()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page, with what its code gives under each block."""
    if os.environ.get("DOCS_RUN") == "0":
        return markdown
    os.chdir(ROOT)
    try:
        return blocks.with_outputs(markdown, name=f"docs/{page.file.src_uri}")
    except blocks.BlockError as error:
        raise PluginError(str(error)) from error
