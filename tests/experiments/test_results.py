"""Results as data: nothing is lost on the way to a file and back, and whatever is not results is refused by name."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechinterp.errors import MechinterpError
from mechinterp.experiments.fields import estimates
from mechinterp.experiments.registry import slices
from mechinterp.experiments.results import Results
from mechinterp.policies.identity import Identity
from mechinterp.reporting import ResultsError
from tests.experiments import synthetic

TEXT = synthetic.results().to_json()
IDENTITY = Identity("a", "net", "0")


def test_json_brings_back_everything(tmp_path):
    results = synthetic.results()
    path = tmp_path / "results.json"
    results.save(path)
    back = Results.load(path)
    assert back.to_json() == TEXT
    assert (back.page, back.identity, back.settings) == (results.page, results.identity, results.settings)
    assert list(back.sections) == [one.name for one in slices("report") if one.name in results.sections]
    for name, section in results.sections.items():
        assert dict(estimates(back[name])) == dict(estimates(section))
    assert [p.name for p in tmp_path.iterdir()] == ["results.json"]


def test_same_results_same_text():
    assert synthetic.results(3).to_json() == synthetic.results(3).to_json() != TEXT


def test_sections_are_sorted_found_or_the_nearest_are_told():
    results = synthetic.results()
    backwards = Results(page="report", identity=IDENTITY, sections=dict(reversed(results.sections.items())))
    assert list(backwards.sections) == list(results.sections)
    assert results["performance"].policy.mean_return.value == 8.4
    with pytest.raises(ResultsError, match="'performence' was not measured; did you mean 'performance'"):
        results["performence"]


def test_sections_must_be_their_slices():
    performance = synthetic.the_performance()
    with pytest.raises(ResultsError, match="no section 'drive'"):
        Results(page="report", identity=IDENTITY, sections={"drive": performance})
    with pytest.raises(ResultsError, match="section 'circuit' must be its slice's Result"):
        Results(page="report", identity=IDENTITY, sections={"circuit": performance})


def test_identity_and_settings_must_be_plain():
    with pytest.raises(ResultsError, match="settings must be plain JSON"):
        Results(page="report", identity=IDENTITY, settings={"levels": (1, 2)})
    with pytest.raises(ResultsError, match=r"provenance must be plain JSON"):
        Results(page="report", identity=Identity("a", "net", "0", {"x": object()}))


def _edited(edit) -> str:
    content = json.loads(TEXT)
    edit(content)
    return json.dumps(content)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON, or damaged or cut off"),
        ("[]", "not results of experiments"),
        ("[" * 100_000, "not JSON"),
        ('{"format": "mechinterp-policy", "version": 1}', "not results of experiments"),
        ('{"format": "mechinterp-results", "version": 1}', "version 1; this library reads version 2"),
        ('{"format": "mechinterp-results", "version": 2}', "differs in identity, page, sections, settings"),
        ('{"format": "mechinterp-results", "version": NaN}', "not a finite number"),
    ],
)
def test_foreign_files_are_refused_by_name(tmp_path, text, message):
    path = tmp_path / "foreign.json"
    path.write_text(text)
    with pytest.raises(ResultsError, match=message) as caught:
        Results.load(path)
    assert "foreign.json" in str(caught.value)


def test_missing_and_binary_files_are_refused(tmp_path):
    with pytest.raises(ResultsError, match=r"nothing\.json: cannot be read"):
        Results.load(tmp_path / "nothing.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ResultsError, match=r"binary\.json: not text"):
        Results.load(tmp_path / "binary.json")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_truncated_files_are_refused(share):
    with pytest.raises(ResultsError, match="cut off"):
        Results.from_json(TEXT[: int(len(TEXT) * share)])


SECTIONS = "sections"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda c: c.update(extra=1), "differs in extra"),
        (lambda c: c.update(version=True), "version True"),
        (lambda c: c.update(page="atlas"), "no page is called 'atlas'"),
        (lambda c: c.update(page=7), "'page' should be a text"),
        (lambda c: c.update(sections=[]), "'sections' an object"),
        (lambda c: c.update(settings=[]), "settings must be plain JSON"),
        (lambda c: c["identity"].pop("sha256"), "sha256"),
        (lambda c: c["identity"].update(name=""), r"identity\.name must be a text"),
        (lambda c: c[SECTIONS].update(modle=c[SECTIONS]["model"]), "no section 'modle'; did you mean 'model'"),
        (lambda c: c[SECTIONS]["performance"]["policy"].update(mean_return=8.4), "policy/mean_return: .*Estimate"),
        (lambda c: c[SECTIONS]["performance"]["policy"]["mean_return"].pop("low"), "Estimate lacks the fields low"),
        (lambda c: c[SECTIONS]["performance"]["policy"]["mean_return"].update(low=99), "does not hold"),
        (lambda c: c[SECTIONS]["performance"].pop("best"), "section 'performance', best: Field required"),
        (lambda c: c[SECTIONS]["performance"].update(bset=1), "bset: Extra inputs"),
        (lambda c: c[SECTIONS]["model"]["episode"]["frames"].update(shape=[8, 64, 64, 4]), "needs 131072 bytes"),
        (lambda c: c[SECTIONS]["model"]["episode"]["frames"].update(zlib="AAAA"), "bytes are damaged"),
        (lambda c: c[SECTIONS]["model"]["episode"]["frames"].update(shape=[1 << 40]), "more than"),
        (lambda c: c[SECTIONS]["model"]["episode"]["frames"].update(dtype="object"), "unknown dtype 'object'"),
    ],
)
def test_damaged_content_is_refused(edit, message):
    with pytest.raises(MechinterpError, match=message):
        Results.from_json(_edited(edit))


def _leaves(value: Any, path: tuple = ()) -> list[tuple]:
    """The places of a JSON value that can be changed: every key and element."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = []
    for key, part in parts:
        found += [(*path, key), *_leaves(part, (*path, key))]
    return found


LEAVES = _leaves(json.loads(TEXT))
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from([1e308, -0.5, 10**400]),
    st.sampled_from(["", "x", "0"]),
    st.sampled_from([[], {}, [1], {"x": 1}, [[]], [None]]),
)


@given(st.sampled_from(LEAVES), st.one_of(JUNK, st.just(KeyError)))
def test_mutated_files_are_refused_or_are_results(place, junk):
    """Whatever is put in a place of a results file: it is read as results, or refused with an error that names it."""
    content = json.loads(TEXT)
    parent = content
    for key in place[:-1]:
        parent = parent[key]
    if junk is KeyError:
        del parent[place[-1]]
    else:
        parent[place[-1]] = junk
    try:
        back = Results.from_json(json.dumps(content), where="mutant.json")
    except ResultsError as error:
        refusal = str(error)
    else:
        refusal = _drawn(back, place)
    assert refusal is None or "mutant.json" in refusal


def _drawn(back: Results, place: tuple) -> None:
    """What is read can be written again, and be drawn, or it is said why not."""
    assert Results.from_json(back.to_json()).to_json() == back.to_json()
    for one in slices("report"):
        if one.name in place and one.name in back.sections:
            with contextlib.suppress(MechinterpError):
                one.figures(back[one.name])
                one.text(back[one.name])
                one.method(back[one.name])


def test_results_show_themselves_on_a_line_and_as_a_table():
    results = synthetic.results()
    assert len(repr(results)) < 250
    assert repr(results).startswith("Results('report' of ")
    table = results.to_frame()
    assert len(table) == sum(1 for section in results.sections.values() for _ in estimates(section))
    row = table[(table.section == "performance") & (table.path == "policy/mean_return")].iloc[0]
    own = results["performance"].policy.mean_return
    assert (row.value, row.low, row.high, row.n) == (own.value, own.low, own.high, own.n)


def test_records_with_arrays_are_compared_as_wholes():
    one, same = synthetic.results(1), synthetic.results(1)
    assert one["model"] == same["model"]
    assert one["coin_contrast"] == same["coin_contrast"]
    assert one["performance"] != one["performance"].model_copy(update={"best": 9.0})
    assert one["model"] != one["performance"]
