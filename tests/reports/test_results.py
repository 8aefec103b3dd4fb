"""Results as data: what they hold, what they refuse, and that nothing is lost on the way to a file and back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mechinterp.policies.errors import PolicyError
from mechinterp.reports import Identity, Results, ResultsError, Section, Table, codec
from mechinterp.reports.checks import check
from tests.reports import synthetic


@pytest.fixture(scope="module")
def results() -> Results:
    return synthetic.results()


def test_json_brings_back_everything(results: Results, tmp_path):
    path = tmp_path / "results.json"
    results.save(path)
    back = Results.load(path)
    assert back.to_json() == results.to_json()
    assert back.identity == results.identity
    assert back.settings == results.settings
    assert list(back.sections) == list(results.sections)
    for name, section in results.sections.items():
        assert back.sections[name].estimates == section.estimates
        assert back.sections[name].tables == section.tables
        assert back.sections[name].facts == section.facts
        for key, array in section.arrays.items():
            np.testing.assert_array_equal(back.sections[name].arrays[key], array)
    assert [p.name for p in tmp_path.iterdir()] == ["results.json"]


def test_same_results_same_text():
    assert synthetic.results(3).to_json() == synthetic.results(3).to_json()


@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.int64, np.float32]),
        hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6),
        elements={"allow_nan": False, "allow_infinity": False},
    )
)
def test_arrays_come_back_as_they_were(array):
    back = codec.decode(json.loads(json.dumps(codec.encode(codec.own(array, name="a")))), where="a")
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


def test_a_section_owns_its_arrays():
    picture = np.zeros((1, 64, 64, 3), np.uint8)
    section = Section("who", arrays={"film": picture})
    picture += 1
    assert section.arrays["film"].max() == 0
    with pytest.raises(ValueError, match="read-only"):
        section.arrays["film"][0] = 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON, or cut off"),
        ("[]", "not the results of an analysis"),
        ('{"format": "mechinterp-policy", "version": 1}', "not the results of an analysis"),
        ('{"format": "mechinterp-results", "version": 99}', "version 99; this library reads version 1"),
        ('{"format": "mechinterp-results", "version": 1}', "missing fields: identity, settings, sections"),
    ],
)
def test_foreign_files_are_refused_by_name(tmp_path, text, message):
    path = tmp_path / "foreign.json"
    path.write_text(text)
    with pytest.raises(ResultsError, match=message) as caught:
        Results.load(path)
    assert "foreign.json" in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ResultsError, match=r"nothing\.json: cannot be read"):
        Results.load(tmp_path / "nothing.json")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_truncated_files_are_refused(results: Results, tmp_path, share):
    text = results.to_json().rstrip()
    path = tmp_path / "cut.json"
    path.write_text(text[: int(len(text) * share)])
    with pytest.raises(ResultsError, match="cut off"):
        Results.load(path)


def _edited(results: Results, edit) -> str:
    content = json.loads(results.to_json())
    edit(content)
    return json.dumps(content)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda c: c.update(extra=1), "unknown field 'extra'"),
        (lambda c: c["identity"].pop("sha256"), "identity: missing fields: sha256"),
        (lambda c: c["sections"].append(c["sections"][0]), "a section is there twice"),
        (lambda c: c["sections"][0].update(name="whom"), "unknown section 'whom'; did you mean 'who'"),
        (lambda c: c["sections"][1]["estimates"].append(8.4), "Estimate is written as an object"),
        (lambda c: c["sections"][1]["estimates"][0].pop("low"), "Estimate lacks the fields low"),
        (lambda c: c["sections"][1]["estimates"][0].update(low=99), "low <= value <= high does not hold"),
        (lambda c: c["sections"][0]["arrays"]["film"].update(shape=[8, 64, 64, 4]), "needs 131072 bytes"),
        (lambda c: c["sections"][0]["arrays"]["film"].update(zlib="AAAA"), "bytes are damaged"),
        (lambda c: c["sections"][0]["arrays"]["film"].update(shape=[1 << 40]), "more than"),
        (lambda c: c["sections"][0]["arrays"]["film"].update(dtype="object"), "unknown dtype 'object'"),
    ],
)
def test_damaged_content_is_refused(results: Results, edit, message):
    with pytest.raises(ResultsError, match=message):
        Results.from_json(_edited(results, edit))


def test_a_number_must_be_an_estimate():
    with pytest.raises(ResultsError, match=r"must be an Estimate .* got float 8\.4"):
        Section("maximises", (8.4,), facts={"best": 10.0})  # pyright: ignore[reportArgumentType]


def test_two_estimates_of_one_name_are_refused():
    twice = (synthetic.estimate("return/policy", 8, 1), synthetic.estimate("return/policy", 9, 1))
    with pytest.raises(ResultsError, match="two estimates are named 'return/policy'"):
        Section("maximises", twice)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), (1, 2), np.zeros(2)])
def test_tables_and_facts_hold_plain_finite_values(value):
    with pytest.raises(ResultsError, match="tables and facts hold"):
        Table(("a",), ((value,),))
    with pytest.raises(ResultsError, match="tables and facts hold"):
        Section("who", facts={"film_level": value})


def test_identity_and_settings_must_be_plain():
    with pytest.raises(PolicyError, match=r"identity\.name must be a text"):
        Identity("", "net", "0")
    with pytest.raises(ResultsError, match="settings must be plain JSON"):
        Results(Identity("a", "net", "0"), {"levels": (1, 2)})


def test_names_are_found_or_the_nearest_are_told(results: Results):
    section = results.sections["maximises"]
    assert section["return/policy"].value == 8.4
    assert list(section.under("ending", "policy")) == ["coin", "saw", "enemy", "lava", "several", "timeout"]
    with pytest.raises(ResultsError, match="did you mean 'return/policy'"):
        section["return/polciy"]


def test_what_the_schema_does_not_know_is_refused():
    known = synthetic.maximises()
    slip = Section("maximises", (*known.estimates, synthetic.estimate("return/polciy", 8, 1)), facts=known.facts)
    with pytest.raises(ResultsError, match="'return/polciy' is not in the schema; did you mean 'return/policy'"):
        check(slip)
    with pytest.raises(ResultsError, match="fact 'bset' is not in the schema; did you mean 'best'"):
        check(Section("maximises", known.estimates, facts={"bset": 10.0}))
    with pytest.raises(ResultsError, match="table 'variables' should have the columns"):
        check(Section("drive", tables={"variables": Table(("variable",))}))


@pytest.mark.parametrize(
    "name", ["channel/block1.hook_conv/-1", "channel/block1.hook_conv/01", "channel/3", "x/channel/a/0"]
)
def test_channels_are_numbers_from_zero(name):
    with pytest.raises(ResultsError, match="is not in the schema"):
        check(Section("contrast", (synthetic.estimate(name, 1, 1),)))


def test_what_is_required_must_be_there():
    with pytest.raises(ResultsError, match="section 'maximises' lacks 'return/policy', 'best'"):
        check(Section("maximises"))
    drive = synthetic.drive()
    fewer = tuple(e for e in drive.estimates if e.name != "effect/coin side/movement")
    with pytest.raises(ResultsError, match="lacks 'effect/coin side/movement'"):
        check(Section("drive", fewer, tables=drive.tables))


def test_outcomes_must_add_up():
    shares = tuple(synthetic.share(f"outcome/stock/{o}", v) for o, v in (("coin", 0.8), ("died", 0.1)))
    with pytest.raises(ResultsError, match=r"'stock' add up to 0\.9, not 1"):
        check(Section("relocated", shares))


def test_each_channel_needs_its_null():
    section = synthetic.contrast(np.random.default_rng(0))
    bare = tuple(e.against(None) if e.name == "channel/block2.hook_pool/3" else e for e in section.estimates)
    broken = Section("contrast", bare, section.tables, section.arrays, section.facts)
    with pytest.raises(ResultsError, match=r"channel 'block2\.hook_pool/3' has no null"):
        check(broken)
