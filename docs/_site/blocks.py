"""The code on a page, run: what the site shows under a block is what the block gave, and the tests run the same.

On a page (Markdown), the blocks of one language are run from top to bottom:

- ``python`` blocks, in one namespace for each page. What a block prints is shown, then its last expression, as a
  notebook would show it;
- ``console`` blocks: each line that begins with ``$`` is a command for bash, run in the repository's root;
- ``<!-- check: EXPRESSION -->``, which readers do not see: what the words around it claim, in the page's namespace. It
  must be true.

``py`` and ``sh`` blocks are shown and not run: templates, and what takes hours.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import html
import io
import linecache
import os
import re
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(
    r"^```(?P<language>python|console)[^\n]*\n(?P<code>.*?)^```$|^<!-- check: (?P<check>[^\n]*) -->$",
    re.MULTILINE | re.DOTALL,
)


class BlockError(Exception):
    """A block that failed, with its page and line."""


@dataclass(frozen=True)
class Block:
    """What is run: `language` is ``python``, ``console`` or ``check``; `start` and `end` are places in the page."""

    language: str
    code: str
    line: int
    start: int
    end: int


def blocks(page: str) -> list[Block]:
    """The blocks of a page that are run, in order."""
    found = []
    for one in _FENCE.finditer(page):
        language, code, line = one["language"] or "check", one["code"] or one["check"], page.count("\n", 0, one.start())
        found.append(Block(language, code, line + (1 if one["check"] else 2), one.start(), one.end()))
    return found


def run(page: str, *, name: str) -> Iterator[tuple[Block, str]]:
    """Each block of a page with what it gave, as Markdown; the blocks are run as they are asked for.

    Raises:
        BlockError: a block raised an exception, or a command failed.
    """
    namespace: dict[str, Any] = {"__name__": "__page__"}
    for block in blocks(page):
        yield block, _RUN[block.language](block, namespace, name)


def with_outputs(page: str, *, name: str) -> str:
    """The page with the output of each block under it."""
    parts, at = [], 0
    for block, shown in run(page, name=name):
        parts += [page[at : block.end], f"\n\n{shown}" if shown else ""]
        at = block.end
    return "".join([*parts, page[at:]])


def _python(block: Block, namespace: dict[str, Any], name: str) -> str:
    where = f"{name}, line {block.line}"
    name = f"<{where}>"
    source = "\n" * (block.line - 1) + block.code
    # where tracebacks (and nnsight, which compiles the block of a `with` again) look for the source of code
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    try:
        tree = ast.parse(source, filename=name)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        value = None
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(tree, name, "exec"), namespace)
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), name, "eval"), namespace)
    except Exception as error:
        raise BlockError(f"{where}: {error!r}\n{traceback.format_exc(limit=-3)}") from error
    shown = [_text(printed.getvalue())] if printed.getvalue() else []
    return "\n\n".join([*shown, *([] if value is None else [display(value)])])


def _check(block: Block, namespace: dict[str, Any], name: str) -> str:
    try:
        holds = eval(block.code, namespace)
    except Exception as error:
        raise BlockError(f"{name}, line {block.line}: {block.code}\n{error!r}") from error
    if not holds:
        raise BlockError(f"{name}, line {block.line}: what is said there does not hold: {block.code}")
    return ""


def _console(block: Block, namespace: dict[str, Any], name: str) -> str:
    printed = []
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for line in block.code.splitlines():
        if not line.startswith("$ "):
            raise BlockError(f"{name}, line {block.line}: a console block holds commands alone, each after '$ '")
        done = subprocess.run(
            ["bash", "-c", line[2:]],
            cwd=ROOT,
            env=os.environ | {"PATH": path, "COLUMNS": "100"},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        if done.returncode:
            raise BlockError(f"{name}, line {block.line}: {line[2:]}\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
        printed.append(done.stdout)
    return _text("".join(printed)) if any(printed) else ""


_RUN = {"python": _python, "console": _console, "check": _check}


def display(value: Any) -> str:
    """A value as a notebook would show it, in Markdown: a frame as a picture, a plot as a plot, else its repr.

    Frames are uint8 arrays or tensors of [height, width, 3]; several, [n, height, width, 3], stand in a row.
    """
    if hasattr(value, "to_plotly_json"):
        return _raw(_plot(value))
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.ndim in (3, 4) and value.shape[-1] == 3:
        return _raw(_pictures(value if value.ndim == 4 else value[None]))
    if hasattr(value, "_repr_html_"):
        return _raw(value._repr_html_())
    return _text(repr(value))


def _text(words: str) -> str:
    return f"<pre class='output'><code>{html.escape(words.rstrip())}</code></pre>"


def _raw(content: str) -> str:
    lines = "\n".join(line for line in content.splitlines() if line.strip())  # a blank line would end the HTML block
    return f"<div class='output'>{lines}</div>"


def _pictures(frames: np.ndarray) -> str:
    from PIL import Image

    shown = []
    for frame in frames:
        file = io.BytesIO()
        Image.fromarray(frame).save(file, "PNG")
        data = base64.b64encode(file.getvalue()).decode()
        shown.append(f"<img class='frame' alt='frame' src='data:image/png;base64,{data}'/>")
    return "".join(shown)


def _plot(figure: Any) -> str:
    """A place to draw in and what to draw: ``plots.js`` does it, when the page is there."""
    data = figure.to_json().replace("</", "<\\/")
    height = figure.layout.height or 450
    return f"<div class='plot' style='height:{height}px'><script type='application/json'>{data}</script></div>"
