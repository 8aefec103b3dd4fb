"""Figures as PNG files, through kaleido and a Chrome or Chromium, where there are both."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mechinterp._files import write_bytes
from mechinterp.reporting.figure import Figure

_OPTIONS = {"format": "png", "width": 1040, "scale": 2}
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_START, _EACH = 60.0, 15.0
"""Seconds that a browser may take to start, and for each figure: many times what a slow machine needs."""


def pictures(figures: Sequence[Figure], folder: Path, *, limit: float | None = None) -> tuple[list[Path], str | None]:
    """Each figure as ``NAME.png``; or none, and why there are none.

    A process of its own draws them, so that a browser that hangs costs no more than `limit` seconds (by default, a
    minute and a quarter of one for each figure).
    """
    import shutil
    from importlib.util import find_spec

    if find_spec("kaleido") is None:
        return [], "no PNG files: kaleido is not installed (pip install 'mechinterp[png]')"
    if not os.environ.get("BROWSER_PATH") and not any(map(shutil.which, _BROWSERS)):
        return [], "no PNG files: no Chrome or Chromium was found (set BROWSER_PATH to one)"
    specs = [
        {"fig": figure.content(), "opts": _OPTIONS | {"height": figure.plot.layout.height}}  # pyright: ignore
        for figure in figures
    ]
    limit = _START + _EACH * len(specs) if limit is None else limit
    try:
        drawn = _drawn(specs, limit)
    except (OSError, ValueError, subprocess.SubprocessError) as error:  # what a browser does wrong costs no report
        return [], f"no PNG files: {' '.join(str(error).split()) or 'the browser failed'}"[:300]
    paths = [folder / f"{figure.name}.png" for figure in figures]
    for path, picture in zip(paths, drawn, strict=True):
        write_bytes(path, picture)
    return paths, None


def _drawn(specs: Sequence[dict[str, object]], limit: float) -> list[bytes]:
    """The pictures, from a process that has this long.

    Raises:
        ValueError: it failed, or took too long; then it is ended with every process that it started.
    """
    with tempfile.TemporaryDirectory(
        prefix="mechinterp-", ignore_cleanup_errors=True
    ) as scratch:  # the browser's files
        process = subprocess.Popen(
            [sys.executable, "-m", "mechinterp.reporting.png"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "TMPDIR": scratch},  # where the browser's files go
        )
        try:
            answer, trouble = process.communicate(json.dumps(specs).encode(), timeout=limit)
        except subprocess.TimeoutExpired as error:
            raise ValueError(f"the browser gave no answer in {limit:g} seconds") from error
        finally:
            if process.poll() is None:
                _end(process)
    if process.returncode != 0:
        lines = trouble.decode(errors="replace").strip().splitlines()
        raise ValueError(
            lines[-1].rpartition("._errors.")[2] if lines else f"the browser ended with status {process.returncode}"
        )
    return [base64.b64decode(picture) for picture in json.loads(answer)]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that descend from it: a browser is in a session of its own, so no group holds them."""
    for one in [process.pid, *_descendants(process.pid)]:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    process.communicate()


def _descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(path.read_text(errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(path.parent.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


async def _draw(specs: Sequence[dict[str, object]]) -> list[str]:
    import kaleido

    async with kaleido.Kaleido(mathjax=False) as browser:  # or else it is fetched from the web
        return [base64.b64encode(await browser.calc_fig(one["fig"], opts=one["opts"])).decode() for one in specs]  # pyright: ignore


if __name__ == "__main__":
    import asyncio

    print(json.dumps(asyncio.run(_draw(json.load(sys.stdin)))))
