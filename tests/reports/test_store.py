"""What was measured survives an interruption; what was measured otherwise is measured again."""

from __future__ import annotations

import json

import pytest

from mechinterp.reports import Identity, Key, ResultsError, Store, code_version
from mechinterp.reports.store import forget
from tests.reports import synthetic

KEY = Key("sha", {"levels": 200, "seed": 0}, "1")
IDENTITY = Identity("synthetic", "none", "0")


def test_an_interrupted_run_goes_on_where_it_was(tmp_path):
    calls = []

    def measure():
        calls.append("drive")
        return synthetic.drive()

    first = Store(tmp_path, KEY)
    first.section("drive", measure)
    with pytest.raises(KeyboardInterrupt):
        first.section("maximises", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    again = Store(tmp_path, KEY)
    found = again.section("drive", measure)
    again.section("maximises", synthetic.maximises)
    assert calls == ["drive"]
    assert found.estimates == synthetic.drive().estimates
    assert list(again.assemble(IDENTITY, {}).sections) == ["maximises", "drive"]
    forget(again.folder.parent)
    assert not again.folder.exists()
    assert again.assemble(IDENTITY, {}).sections == {}


@pytest.mark.parametrize(
    "other",
    [
        Key("sha2", KEY.configuration, "1"),
        Key("sha", {"levels": 201, "seed": 0}, "1"),
        Key("sha", KEY.configuration, "2"),
    ],
)
def test_another_key_measures_again(tmp_path, other):
    Store(tmp_path, KEY).put(synthetic.drive(0.42))
    store = Store(tmp_path, other)
    assert store.get("drive") is None
    assert store.section("drive", lambda: synthetic.drive(0.9))["effect/coin side/movement"].value == 0.9
    assert Store(tmp_path, KEY).get("drive") is None


def test_the_order_of_a_configuration_does_not_matter(tmp_path):
    Store(tmp_path, KEY).put(synthetic.drive())
    assert Store(tmp_path, Key("sha", {"seed": 0, "levels": 200}, "1")).get("drive") is not None


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"key": 1}'])
def test_damaged_files_are_measured_again(tmp_path, damage):
    store = Store(tmp_path, KEY)
    store.put(synthetic.drive())
    (store.folder / "drive.json").write_text(damage)
    assert store.get("drive") is None


def test_a_section_under_another_name_is_not_taken(tmp_path):
    store = Store(tmp_path, KEY)
    with pytest.raises(ResultsError, match="section 'drive' returned the section 'maximises'"):
        store.section("drive", synthetic.maximises)
    store.put(synthetic.maximises())
    (store.folder / "maximises.json").rename(store.folder / "drive.json")
    assert store.get("drive") is None
    with pytest.raises(ResultsError, match="unknown section 'drvie'; did you mean 'drive'"):
        store.get("drvie")


def test_what_does_not_fit_the_schema_is_not_stored(tmp_path):
    store = Store(tmp_path, KEY)
    with pytest.raises(ResultsError, match="lacks"):
        store.put(type(synthetic.drive())("drive"))
    assert not store.folder.exists()


def test_files_are_json(tmp_path):
    store = Store(tmp_path, KEY)
    store.put(synthetic.drive())
    assert json.loads((store.folder / "drive.json").read_text())["key"] == KEY.digest
    assert [p.name for p in store.folder.iterdir()] == ["drive.json"]


def test_code_version_is_stable():
    assert code_version() == code_version()
