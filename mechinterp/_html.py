"""The little HTML that objects show of themselves in a notebook."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence
from typing import Any

_CELL = "text-align:left;padding:2px 10px 2px 0;vertical-align:top"


def table(rows: Iterable[Sequence[object]], *, head: Sequence[str] = ()) -> str:
    """Rows of values, escaped; a value that has `_repr_html_` is shown by it."""
    lines = [f"<tr>{''.join(_cell(name, 'th') for name in head)}</tr>"] if head else []
    lines += [f"<tr>{''.join(_cell(value, 'td') for value in row)}</tr>" for row in rows]
    return f"<table style='border-collapse:collapse'>{''.join(lines)}</table>"


def picture(frame: Any, *, side: int = 192, caption: str = "") -> str:
    """A frame (uint8 array [height, width, 3]), enlarged without smoothing, over a caption."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(frame).save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    size = f"width='{side}' height='{side}' style='image-rendering:pixelated'"
    image = f"<img src='data:image/png;base64,{data}' {size}/>"
    shown = f"{image}<figcaption>{html.escape(caption)}</figcaption>"
    return f"<figure style='display:inline-block;margin:0 12px 0 0'>{shown}</figure>"


def _cell(value: object, tag: str) -> str:
    shown = value._repr_html_() if hasattr(value, "_repr_html_") else html.escape(str(value))  # pyright: ignore
    return f"<{tag} style='{_CELL}'>{shown}</{tag}>"
