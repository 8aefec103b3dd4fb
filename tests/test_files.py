"""Files that are whole or not at all, JSON of strangers, and texts of strangers in names and Markdown."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mechinterp._files import FileError, parse_json, read_json, remove_half_written, write_text
from mechinterp._text import file_name, in_code, in_markdown, visible


@pytest.mark.parametrize(
    "text",
    ["", "[", "[" * 100_000, "9" * 5000, "1" + 400 * "0", "-1" + 400 * "0", "1e400", "NaN", "[Infinity]", '"\\ud800"'],
)
def test_what_is_no_json_of_ours_is_one_error(text: str) -> None:
    with pytest.raises(FileError, match=r"x\.json: not JSON, or damaged or cut off"):
        parse_json(text, where="x.json")


def test_what_is_json_is_read(tmp_path) -> None:
    text = '{"a": [1, -2.5, 1e300, true, null, "\\ud83d\\ude00 \\\\ud800"], "b": 100000000000000000000}'
    assert parse_json(text, where="") == {"a": [1, -2.5, 1e300, True, None, "\N{GRINNING FACE} \\ud800"], "b": 10**20}
    with pytest.raises(FileError, match=r"a\\x00b: not text"):
        read_json("a\0b")
    (tmp_path / "x").write_bytes(b"\xff")
    with pytest.raises(FileError, match="x: not text"):
        read_json(tmp_path / "x")
    with pytest.raises(FileError, match="cannot be read"):
        read_json(tmp_path)


def test_a_write_that_was_killed_leaves_the_old_file_and_the_next_run_clears_up(tmp_path) -> None:
    write_text(tmp_path / "README.md", "old")
    code = (
        "import os, sys\nfrom mechinterp import _files\n"
        "def slow(handle):\n    print(flush=True)\n    import time\n    time.sleep(60)\n"
        "_files.os.fsync = slow\n_files.write_text(sys.argv[1], 'new')"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "README.md")], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert len(list(tmp_path.iterdir())) == 2
        remove_half_written(tmp_path)  # not while it is being written
        assert len(list(tmp_path.iterdir())) == 2
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while len(list(tmp_path.iterdir())) == 2 and time.monotonic() < deadline:
        remove_half_written(tmp_path, tmp_path / "nothing here")
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert (tmp_path / "README.md").read_text() == "old"


def test_errors_of_a_write_name_the_file(tmp_path) -> None:
    with pytest.raises(IsADirectoryError) as caught:
        write_text(tmp_path, "x")
    assert caught.value.filename == str(tmp_path)
    assert list(tmp_path.iterdir()) == []


@given(st.text())
def test_a_file_name_is_one_part_of_a_path_that_every_disk_takes(name: str) -> None:
    made = file_name(name)
    assert os.path.basename(made) == made
    assert made not in ("", ".", "..")
    assert made.isascii()
    assert made.isprintable()
    assert len(made) < 100
    assert file_name(made) == made


@given(st.text(alphabet=st.characters(codec="utf-8", categories=["P", "S", "L", "N", "Zs"]), min_size=1))
def test_markdown_shows_a_text_as_it_is(text: str) -> None:
    shown = MarkdownIt("commonmark").render(f"a {in_markdown(text)} z")
    plain = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
    assert plain == f"<p>a {' '.join(text.split())} z</p>\n".replace("a  z", "a  z")


def test_texts_in_markdown_and_code() -> None:
    assert in_markdown("coin-seed1 use_backgrounds = [16, 32]") == "coin-seed1 use_backgrounds = [16, 32]"
    assert in_markdown("a|b\n# c\0") == "a\\|b # c\\\\x00"
    assert in_code("a`|`\n") == "a'\\|'"
    assert visible("caf\udce9\0\n") == "caf\\udce9\\x00\n"
