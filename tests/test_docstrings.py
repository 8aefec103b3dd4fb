"""Examples in docstrings do what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Only modules with examples are imported: found by their text.
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted((ROOT / "mechinterp").rglob("*.py"))
    if ">>> " in path.read_text()
]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("name", MODULES)
def test_examples_do_what_they_say(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    module = importlib.import_module(name.removesuffix(".__init__"))
    finder = doctest.DocTestFinder(exclude_empty=True)
    examples = [found for found in finder.find(module) if found.examples]
    assert examples, "examples that doctest does not find"
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for found in examples:
        printed: list[str] = []
        assert runner.run(found, out=printed.append).failed == 0, "".join(printed)


def test_there_are_examples() -> None:
    assert len(MODULES) >= 6
