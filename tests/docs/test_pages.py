"""Every block of code on every page runs, as it stands: what the documentation shows cannot rot."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from docs._site import api, blocks

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
CODE = [page for page in PAGES if blocks.blocks(page.read_text())]


def _head(page: Path) -> dict[str, str]:
    """The lines between the dashes at the top of a page."""
    found = re.match(r"---\n(.*?)\n---\n", page.read_text(), re.DOTALL)
    return dict(line.split(": ", 1) for line in found[1].splitlines() if ": " in line) if found else {}


def _page(path: Path) -> object:
    marks = [pytest.mark.slow] if _head(path).get("slow") == "true" else []
    return pytest.param(path, id=str(path.relative_to(ROOT)), marks=marks)


@pytest.mark.parametrize("page", [_page(path) for path in CODE])
def test_the_code_on_the_page_runs(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for library in _head(page).get("needs", "").split():
        pytest.importorskip(library, reason=f"{library} is not installed: pip install mechinterp[neighbours]")
    monkeypatch.chdir(ROOT)
    count = sum(1 for _ in blocks.run(page.read_text(), name=str(page.relative_to(ROOT))))
    marked = re.findall(r"^```(?:python|console)|^<!-- check", page.read_text(), re.MULTILINE)
    assert count == len(marked), "a block is not closed, or a check not on one line"


def test_most_pages_have_code() -> None:
    assert len(CODE) >= 8


# ---- the machinery -----------------------------------------------------------------------------------------------


def outputs(page: str) -> list[str]:
    return [shown for _, shown in blocks.run(page, name="page")]


def test_blocks_share_a_namespace_and_show_what_they_print_and_return() -> None:
    page = "```python\nx = 2\n```\ntext\n```python\nprint('<x>')\nx + 1\n```\n```py\nraise ValueError\n```\n"
    first, second = outputs(page)
    assert first == ""
    assert second == "<pre class='output'><code>&lt;x&gt;</code></pre>\n\n<pre class='output'><code>3</code></pre>"
    shown = blocks.with_outputs(page, name="page")
    assert shown.startswith("```python\nx = 2\n```\ntext\n```python\nprint('<x>')\nx + 1\n```\n\n<pre")
    assert shown.endswith("```py\nraise ValueError\n```\n")


def test_a_last_line_that_is_none_shows_nothing() -> None:
    assert outputs("```python\nNone\n```\n") == [""]


def test_an_error_names_the_page_and_its_line() -> None:
    with pytest.raises(blocks.BlockError, match=r"(?s)page, line 4.*ZeroDivisionError.*line 5"):
        outputs("a\n\n```python\nx = 0\n1 / x\n```\n")


def test_commands_run_in_the_repository_and_their_output_is_shown() -> None:
    (shown,) = outputs("```console\n$ ls mkdocs.yml\n$ echo a; echo b >&2\n```\n")
    assert shown == "<pre class='output'><code>mkdocs.yml\na</code></pre>"
    with pytest.raises(blocks.BlockError, match="false"):
        outputs("```console\n$ false\n```\n")
    with pytest.raises(blocks.BlockError, match="after '\\$ '"):
        outputs("```console\nls\n```\n")


def test_what_words_claim_is_checked() -> None:
    assert outputs("```python\nx = 2\n```\nTwo.\n<!-- check: x == 2 -->\n") == ["", ""]
    with pytest.raises(blocks.BlockError, match=r"line 4.*does not hold: x == 3"):
        outputs("```python\nx = 2\n```\n<!-- check: x == 3 -->\n")
    with pytest.raises(blocks.BlockError, match=r"(?s)line 1.*NameError"):
        outputs("<!-- check: y -->\n")


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_frames_are_shown_as_pictures(kind: object) -> None:
    frames = np.zeros((2, 64, 64, 3), np.uint8)
    assert blocks.display(kind(frames)).count("<img") == 2
    assert blocks.display(kind(frames[0])).count("<img") == 1
    assert "<img" not in blocks.display(np.zeros((2, 3)))


def test_plots_are_drawn_from_data_that_cannot_end_their_script() -> None:
    import plotly.graph_objects as go

    shown = blocks.display(go.Figure(layout={"title": "</script><b>", "height": 300}))
    assert shown.count("</script>") == 1
    assert "height:300px" in shown


def test_html_of_an_object_has_no_blank_line_which_would_end_it() -> None:
    class Shown:
        def _repr_html_(self) -> str:
            return "<b>a</b>\n\n<i>b</i>"

    assert blocks.display(Shown()) == "<div class='output'><b>a</b>\n<i>b</i></div>"


# ---- the site ----------------------------------------------------------------------------------------------------


def test_every_folder_of_the_library_has_a_page_with_all_its_names() -> None:
    import mechinterp

    folders = {path.parent.name for path in (ROOT / "mechinterp").glob("*/__init__.pyi")}
    assert set(api.folders()) == folders
    paths = dict(api.exports("mechinterp.stats"))
    assert {path.rpartition(".")[2] for path in paths} == set(mechinterp.stats.__all__)
    assert all(f"::: {path}\n" in api.page("stats") for path in paths)


@pytest.mark.slow
def test_the_site_builds_with_no_broken_link(tmp_path: Path) -> None:
    environment = os.environ | {"DOCS_RUN": "0", "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    index = (tmp_path / "index.html").read_text()
    assert not re.findall(r'(?:src|href)="https?://(?!squidfunk|github|www\.mkdocs)', index), "something is fetched"
