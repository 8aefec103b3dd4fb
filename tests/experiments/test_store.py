"""What was measured survives an interruption; what was measured otherwise is measured again."""

from __future__ import annotations

import json

import pytest

from mechinterp.experiments.registry import all_slices
from mechinterp.experiments.store import Key, Store, code_version
from tests.experiments import synthetic
from tests.experiments.toys import subject

KEY = Key("sha", {"levels": 200, "seed": 0}, "1")
HOSTILE = ("[" * 100_000, "9" * 5000, "1" + 400 * "0", '{"key": "\\\\ud800"}')
SLICE = all_slices()["total_effect"]


@pytest.fixture
def kept(tmp_path) -> Store:
    store = Store(tmp_path)
    store.put(SLICE, KEY, synthetic.the_total_effect(), of=subject())
    return store


def test_what_is_kept_is_found_under_its_key(kept):
    assert kept.get(SLICE, KEY) == synthetic.the_total_effect()
    assert kept.get(all_slices()["performance"], KEY) is None
    kept.forget([SLICE.name])
    assert not kept.folder.exists()
    assert kept.get(SLICE, KEY) is None


@pytest.mark.parametrize(
    "other",
    [
        Key("sha2", KEY.configuration, "1"),
        Key("sha", {"levels": 201, "seed": 0}, "1"),
        Key("sha", {"levels": 200}, "1"),
        Key("sha", KEY.configuration, "2"),
    ],
)
def test_another_key_finds_nothing(kept, other):
    assert kept.get(SLICE, other) is None
    kept.put(SLICE, other, synthetic.the_total_effect(0.9), of=subject())
    assert kept.get(SLICE, KEY) is None
    assert kept.get(SLICE, other) == synthetic.the_total_effect(0.9)


def test_the_order_of_a_configuration_does_not_matter(kept):
    assert kept.get(SLICE, Key("sha", {"seed": 0, "levels": 200}, "1")) is not None


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"key": 1}', "\xff", '{"key": NaN}', *HOSTILE])
def test_damaged_files_are_not_found(kept, damage):
    (kept.folder / "total_effect.json").write_bytes(damage.encode("latin-1"))
    assert kept.get(SLICE, KEY) is None


def test_a_part_under_another_name_is_not_taken(kept):
    (kept.folder / "total_effect.json").rename(kept.folder / "performance.json")
    assert kept.get(all_slices()["performance"], KEY) is None


def test_files_are_json(kept):
    assert json.loads((kept.folder / "total_effect.json").read_text())["key"] == KEY.digest
    assert [path.name for path in kept.folder.iterdir()] == ["total_effect.json"]


def test_code_version_is_stable():
    assert code_version() == code_version()
