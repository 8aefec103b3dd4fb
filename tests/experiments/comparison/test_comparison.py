"""Subjects compared, from results that are committed and from ones changed by hand."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import escape
from pathlib import Path

import numpy as np
import pytest
from markdown_it import MarkdownIt

from mechinterp._text import file_name
from mechinterp.cli import main
from mechinterp.experiments.coin_features.counts import total
from mechinterp.experiments.coin_features.result import Cloud
from mechinterp.experiments.comparison import FalseAlarms, UntrainedNetwork, claims, figure, load, summarise
from mechinterp.experiments.comparison.folder import text
from mechinterp.experiments.comparison.tables import tables, verdicts
from mechinterp.experiments.results import Results
from mechinterp.features.verdicts import Verdict
from mechinterp.reporting.errors import ResultsError
from mechinterp.reporting.wording import number
from tests.experiments.handmade import estimate, null, spaced

SUBJECTS = Path(__file__).parents[3] / "analyses" / "reports" / "subjects"


def read(name: str) -> Results:
    return Results.load(SUBJECTS / f"{name}.json")


def changed(name: str, **fields) -> Results:
    """Committed results with other fields of their coin section."""
    whole = read(name)
    coin = whole["coin_features"].model_copy(update=fields)
    return replace(whole, sections={**whole.sections, "coin_features": coin})


def test_numbers_are_read_at_places_that_are_fixed_beforehand():
    subject = summarise(read("coin"))
    assert (subject.last, subject.last_maps) == ("hidden.hook_post", "trunk.hook_relu")
    layer = subject.coin.layers["trunk.hook_relu"]
    assert subject.decoding == layer.decoding
    assert subject.through_channels == layer.channels_ablated.effects["movement by side"]
    assert subject.through_direction == layer.direction_ablated.effects["movement by side"]
    assert subject.probe("coin in view") == subject.probes.probes["coin in view"]["hidden.hook_post"].above_baseline
    assert subject.place == subject.probes.probes["place of the coin"]["trunk.hook_relu"].above_baseline
    assert subject.steering == subject.tendency.steering["hidden.hook_post"]
    assert subject.width == 16 + 16 + 32 + 32 + 32 + 256
    assert summarise(read("standard")).through_channels is None
    assert summarise(read("openai-distill")).on_coin is None


@pytest.mark.parametrize(
    ("value", "half", "said"),
    [
        (0.3, 0.1, "right: the coin attracts movement to its side (more than 0.1 nats)"),
        (-0.3, 0.1, "right: the coin repels movement from its side (more than 0.1 nats)"),
        (
            0.08,
            0.05,
            "right: the effect of the coin's side on movement differs from zero, but was not shown to exceed 0.1 nats",
        ),
        (0.05, 0.04, "right: the effect of the coin's side on movement is equivalent to zero within 0.1 nats"),
        (0.05, 0.4, None),
    ],
)
def test_an_effect_is_claimed_only_where_it_was_shown_to_matter(value, half, said):
    own = read("right")["coin_features"]
    effects = {**own.effects, "movement by side": estimate(value, half, null=null(-0.1, 0.1, p=0.001))}
    lines = [line for line in claims([summarise(changed("right", effects=effects))]) if "movement" in line]
    assert lines == ([] if said is None else [f"- {said}."])


def test_subjects_are_sorted_by_what_was_found():
    lines = claims([summarise(read(name)) for name in ("standard", "coin", "left")])
    assert "- coin: confirmed coin channels." in lines
    assert any(line.startswith("- standard: no coin channel was confirmed, but a coin direction") for line in lines)
    assert any(line.startswith("- left: neither a channel nor a direction") for line in lines)
    assert any(line.startswith("- coin: 97 channels discriminate it") for line in lines)
    (used,) = (line for line in lines if "what some layer represents of the coin causally affects" in line)
    assert "coin: " in used
    assert "left" not in used


def test_the_tables_hold_a_row_for_each_subject_and_leave_out_what_is_not_known():
    subjects = [summarise(read(name)) for name in ("coin", "left-seed1", "openai-distill")]
    made = tables(subjects)
    for one in made:
        rows = one.table.splitlines()[2:]
        assert [row.split(" | ")[0] for row in rows] == ["| coin", "| left-seed1", "| openai-distill"]
        assert len({line.count("|") for line in one.table.splitlines()}) == 1
    coin, use, variables, *_ = (spaced(one.table).splitlines() for one in made)
    own = subjects[0]
    counted = total(own.coin)
    assert f"| {counted.confirmed} of 384 | {counted.exceed_maximum} | {counted.square} |" in coin[2]
    through = (own.coin.effects["movement by side"], own.coin.effects["jump by presence"], own.through_channels)
    assert f"| {' | '.join(spaced(number(one, signed=True)) for one in through)} |" in use[2]
    assert use[4].endswith("|  |  |")
    assert "| 17 (28) of 32 |" in variables[2]
    assert "|  |" in variables[3]  # the coin's side could not be asked
    assert "- **coin**: coin channels, direction used: `block1.hook_pool`" in verdicts(subjects)


def test_the_figure_has_a_row_for_each_subject():
    subjects = [summarise(read(name)) for name in ("coin", "openai-distill")]
    drawn = {trace.name: trace for trace in figure(subjects).data}
    assert list(drawn["effect of the coin"].x) == [s.coin.effects["movement by side"].value for s in subjects]
    assert list(drawn["through its channels"].x) == [subjects[0].through_channels.value]
    assert list(drawn["attribution"].y) == [1.0]
    assert len(drawn["mean"].x) == 2


def test_a_comparison_is_made_again_from_what_it_kept(tmp_path):
    files = [str(SUBJECTS / f"{name}.json") for name in ("coin", "standard")]
    out, again = tmp_path / "out", tmp_path / "again"
    assert main(["compare", *files, "--out", str(out)]) == 0
    first = (out / "README.md").read_text()
    assert "- coin: confirmed coin channels" in first
    assert main(["compare", *(str(out / Path(file).name) for file in files), "--out", str(again)]) == 0
    assert (again / "README.md").read_text().replace(str(again), str(out)) == first
    assert main(["compare", *files, "--out", str(out)]) == 0  # its own files are replaced


def test_a_comparison_replaces_only_what_a_comparison_wrote(tmp_path, capsys):
    """Neither a page of another kind, nor whole results of a subject that has its file's name."""

    def refused(name: str, content: str) -> str:
        folder = tmp_path / f"{name} {len(content)}"
        folder.mkdir()
        (folder / name).write_text(content)
        assert main(["compare", str(SUBJECTS / "coin.json"), "--out", str(folder)]) == 2
        assert [file.name for file in folder.iterdir()] == [name]
        assert (folder / name).read_text() == content
        return capsys.readouterr().err

    assert "README.md exists and was not written by a comparison" in refused("README.md", "# Another project")
    assert "comparison.png exists and was not written by a comparison" in refused("comparison.png", "")
    layers = read("coin")["coin_features"].layers
    points = np.zeros((3, 2), np.float32)
    cloud = Cloud(policy=points, untrained=points)
    layers = {hook: layer.model_copy(update={"cloud": cloud}) for hook, layer in layers.items()}
    assert "coin.json holds whole results" in refused("coin.json", changed("coin", layers=layers).to_json())


def test_what_cannot_be_compared_is_refused(tmp_path, capsys):
    own = read("coin")
    other = replace(own, identity=replace(own.identity, sha256="0" * 64))
    other.save(tmp_path / "other.json")
    with pytest.raises(ResultsError, match=r"another network .* is called 'coin' too"):
        load([SUBJECTS / "coin.json", tmp_path / "other.json"])
    with pytest.raises(ResultsError, match="nothing to compare"):
        load([])
    part = replace(own, sections={"coin_features": own["coin_features"]})
    with pytest.raises(ResultsError, match="needs the section 'probes', which `mechinterp locate` measures"):
        summarise(part)
    with pytest.raises(ResultsError, match="a comparison is of localization results, these are of the page 'report'"):
        summarise(Results(page="report", identity=own.identity))
    flat = {hook: layer for hook, layer in own["coin_features"].layers.items() if not layer.side}
    with pytest.raises(ResultsError, match="no hook point with maps"):
        summarise(changed("coin", layers=flat))
    (tmp_path / "x.json").write_text("{}")
    assert main(["compare", str(tmp_path / "x.json"), "--out", str(tmp_path / "out")]) == 2
    assert "not results of experiments" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_later_of_two_files_of_one_subject_counts(tmp_path):
    later = changed("coin", scenes=7)
    later.save(tmp_path / "later.json")
    (found,) = load([SUBJECTS / "coin.json", tmp_path / "later.json"])
    assert found["coin_features"].scenes == 7


def test_false_alarms_are_counted_in_the_file(tmp_path):
    said = [Verdict.DIRECTION_UNCLEAR] * 3 + [Verdict.DEAD] * 17
    rows = tuple(
        UntrainedNetwork(seed=i, coin_channels={"a": int(i == 0)}, verdicts={"a": v}) for i, v in enumerate(said)
    )
    alarms = FalseAlarms(architecture="light", levels=40, scenes=100, untrained=20, networks=rows)
    path = tmp_path / "x.json"
    path.write_text(alarms.model_dump_json())
    words = spaced(FalseAlarms.load(path).text())
    assert "of 20 untrained networks (light architecture, 40 levels, 100 scenes" in words
    assert "it reported a coin channel in 1 (5 % [" in words
    assert "exceeds untrained networks in 3 (15 % [" in words
    assert words in spaced(text([summarise(read("coin"))], command="x", alarms=alarms))
    path.write_text(json.dumps({"architecture": "light"}))
    with pytest.raises(ResultsError, match=r"not what analyses/untrained_networks\.py writes \(levels"):
        FalseAlarms.load(path)
    with pytest.raises(ResultsError, match="no untrained network was searched"):
        alarms.model_copy(update={"networks": ()}).text()


HOSTILE = "| # <img src=x> [y](https://z) `c` **b** &amp; www.z.com"


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "..", "a\nb", "x" * 300, HOSTILE])
def test_hostile_names_stay_within_the_folder_and_are_shown_as_they_are(tmp_path, name):
    own = replace(read("coin"), identity=replace(read("coin").identity, name=name, network="<b>|</b>"))
    own.save(tmp_path / "given.json")
    out = tmp_path / "a" / "b" / "out"
    before = set(tmp_path.rglob("*")) | {out, out.parent, out.parent.parent}
    assert main(["compare", str(tmp_path / "given.json"), str(SUBJECTS / "standard.json"), "--out", str(out)]) == 0
    made = set(tmp_path.rglob("*")) - before
    assert {path.parent for path in made} == {out}
    (kept,) = made - {out / "standard.json", out / "README.md", out / "comparison.png"}
    assert Results.load(kept).identity == own.identity
    html = MarkdownIt("commonmark").enable("table").render((out / "README.md").read_text())  # as GitHub reads it
    names = re.findall(r"<tr>\s*<td>(.*?)</td>", html)
    assert names == [escape(" ".join(name.split())), "standard"] * 5
    assert html.count("<img") == 1  # the figure
    assert "<a " not in html


def test_a_name_that_cannot_be_a_file_is_refused_or_renamed_and_two_names_get_two_files(tmp_path):
    assert len({file_name(name) for name in ("a/b", "a-b", "a\\b", "a b", "../a-b", "A-b")}) == 6
    content = json.loads((SUBJECTS / "coin.json").read_text())
    content["identity"]["name"] = "a\0b"
    (tmp_path / "nul.json").write_text(json.dumps(content))
    with pytest.raises(ResultsError, match="another name"):
        load([tmp_path / "nul.json"])


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000, "9" * 5000, "1" + 400 * "0", "[]", "3", "null", '{"networks": 3}', "\ud800",
        '{"architecture": "a", "levels": 1e400, "scenes": 1, "untrained": 1, "networks": []}',
        '{"architecture": "a", "levels": NaN, "scenes": 1, "untrained": 1, "networks": []}',
        '{"architecture": "a", "levels": 1, "scenes": 1, "untrained": 1, "networks": [3]}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("reads", [Results.load, FalseAlarms.load])
def test_files_of_other_things_are_one_kind_of_error(tmp_path, text, reads):
    (tmp_path / "x.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ResultsError, match=r"x\.json"):
        reads(tmp_path / "x.json")
