"""Registries without lists: what is in a folder is registered, and what is nearly right is refused."""

from __future__ import annotations

import sys

import pytest

from mechinterp._discovery import collected, members
from mechinterp.errors import MechinterpError, nearest


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Makes a package of files, by name and content."""

    def make(**files: str) -> str:
        folder = tmp_path / "folder_of_things"
        folder.mkdir()
        for name, content in {"__init__": "", **files}.items():
            (folder / f"{name}.py").write_text(content)
        monkeypatch.syspath_prepend(str(tmp_path))
        for name in [name for name in sys.modules if name.startswith("folder_of_things")]:
            monkeypatch.delitem(sys.modules, name)
        return "folder_of_things"

    return make


THING = "from types import SimpleNamespace as N\nTHING = N(name={!r})\n"


def test_files_are_found_and_private_or_other_ones_left_out(package):
    files = {"a": THING.format("x"), "b": THING.format("y"), "_c": THING.format("z"), "helper": "VALUE = 1"}
    found = members(package(**files), "THING")
    assert {name: thing.name for name, thing in found.items()} == {"a": "x", "b": "y"}


def test_families_are_flattened(package):
    pair = "from types import SimpleNamespace as N\nTHING = (N(name='x'), N(name='y'))"
    assert [thing.name for thing in collected(package(a=pair, b=THING.format("z")), "THING")] == ["x", "y", "z"]


def test_a_misspelt_object_is_not_dropped_in_silence(package):
    with pytest.raises(MechinterpError, match=r"folder_of_things\.a holds THNIG, .*; call it THING"):
        members(package(a="THNIG = 1"), "THING")


def test_two_of_one_name_are_refused(package):
    with pytest.raises(MechinterpError, match=r"a\.py and b\.py both hold 'x'"):
        collected(package(a=THING.format("x"), b=THING.format("x")), "THING")


@pytest.mark.parametrize("name", [None, 3, float("nan"), b"x"])
def test_the_nearest_name_of_anything_is_told(name):
    assert nearest(name, ["alpha", "beta"]) == "; known: 'alpha', 'beta'"
