"""`mechinterp locate` and `mechinterp compare`, end to end on a network whose answer is known."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mechinterp.circuits.planted import planted
from mechinterp.cli import main
from mechinterp.policies import save
from mechinterp.reports import Results, ResultsError, Section
from mechinterp.reports.comparison import compared, load
from mechinterp.reports.page.comparison import text
from mechinterp.reports.sentences.comparison import claims

LAST = "block2.res1.hook_out"
HOOKS = (LAST, "hidden.hook_post")


SUBJECTS = Path(__file__).parents[2] / "analyses" / "reports" / "subjects"


def saved(folder, policy=None):
    options = {"use_backgrounds": False}
    policy = policy or planted("coin", distractors=0.0).policy
    return str(save(policy, folder, provenance={"steps": 0, "organism": {"options": options}}))


@pytest.fixture(scope="module")
def atlas(tmp_path_factory):
    """One small run of the command for all that is asked below."""
    folder = tmp_path_factory.mktemp("locate")
    words = [word for hook in HOOKS for word in ("--hooks", hook)]
    out = folder / "atlas"
    assert main(["locate", saved(folder / "planted"), "--quick", "--levels", "36", "--out", str(out), *words]) == 0
    return out


@pytest.mark.slow
def test_the_planted_coin_is_in_the_atlas_and_used(atlas):
    results = Results.load(atlas / "atlas.json")
    section = results.sections["atlas"]
    layers = {row["hook"]: row for row in section.table("layers").records()}
    assert tuple(layers) == HOOKS
    assert layers[LAST]["verdict"] == "used"
    assert "movement" in layers[LAST]["channels_move"]
    assert layers[LAST]["dead"] > 0  # nothing was planted in most channels, and the page says so
    planted_there = {n.channel for n in planted("coin").channels["coin"] if n.hook.startswith("block2")}
    found = {row["channel"] for row in section.table("found").records() if row["hook"] == LAST}
    assert found
    assert found <= planted_there
    for channel in found:
        assert abs(section[f"place/{LAST}/{channel}/right"].value) < 8  # pixels: within a cell of the map
        assert section[f"place/{LAST}/{channel}/around"].value > 0.97
        assert section[f"place/{LAST}/{channel}/around"].low > 0.8  # exact bound: one in 20 levels may differ
    assert section[f"use/{LAST}/channels/movement"].value == pytest.approx(section["total/movement"].value, rel=0.3)
    assert section[f"probe/place of the coin/{LAST}/score"].low > 0.6
    assert f"probe/place of the coin/{HOOKS[1]}/score" not in section


@pytest.mark.slow
def test_the_other_sections_agree_with_what_was_planted(atlas):
    sections = Results.load(atlas / "atlas.json").sections
    assert sections["variables"].facts["picture_difference"] == 0
    assert sections["variables"].facts["pictures"] >= 20
    rows = {(r["variable"], r["hook"]): r for r in sections["variables"].table("rows").records()}
    assert rows["coin", LAST]["beyond_labels"] >= 1
    assert {v for v, _ in rows} >= {"coin", "coin side", "crate", "saw", "enemy", "lava", "end wall"}
    attribution = sections["attribution"]
    assert attribution[f"hidden/movement/{LAST}/coin"].low > 0.5  # all of it on the coin channels
    assert attribution["share/movement/coin/excess"].low > 0.1
    assert {r["hook"] for r in attribution.table("hidden").records()} == set(HOOKS)
    page = (atlas / "atlas.html").read_text()
    for words in ("never change, with a coin or without", "exactly the same activations", "Which channels carry it?"):
        assert words in page
    assert page.count("plotly.js v") == 1


@pytest.mark.slow
def test_atlases_are_compared_from_their_files_alone(atlas, tmp_path, capsys):
    content = json.loads((atlas / "atlas.json").read_text())
    content["identity"] |= {"name": "twin", "sha256": "0" * 64}
    (tmp_path / "twin.json").write_text(json.dumps(content))
    out = tmp_path / "out"
    first = ["compare", str(atlas / "atlas.json"), str(tmp_path / "twin.json"), "--out", str(out)]
    assert main(first) == 0
    text = (out / "README.md").read_text()
    assert "- planted and twin: confirmed coin channels" in text
    assert "| planted |" in text
    again = tmp_path / "again"  # what was kept is enough to make it once more
    assert main(["compare", *map(str, sorted(out.glob("*.json"))), "--out", str(again)]) == 0
    assert (again / "README.md").read_text().replace(str(again), str(out)) == text
    subject = compared(Results.load(out / "planted.json"))
    assert subject.last_maps == LAST
    assert subject.lost["channels"].value == pytest.approx(subject.pull.value, rel=0.3)
    content["identity"]["name"] = "planted"
    (tmp_path / "other.json").write_text(json.dumps(content))
    with pytest.raises(ResultsError, match=r"another network .* is called 'planted' too"):
        load([atlas / "atlas.json", tmp_path / "other.json"])
    content["sections"] = content["sections"][:1]
    (tmp_path / "other.json").write_text(json.dumps(content))
    assert main(["compare", str(tmp_path / "other.json"), "--out", str(out)]) == 2
    assert "needs the section 'variables', which `mechinterp locate` writes" in capsys.readouterr().err


@pytest.mark.slow
def test_flat_layers_alone_of_a_policy_that_always_wants_the_same(tmp_path):
    """No map can be drawn, and no direction of right exists: the rest is measured all the same, and says so."""
    policy = planted("coin", distractors=0.0).policy
    with torch.no_grad():
        policy.get_parameter("logits.weight").zero_()
    words = [
        "locate",
        saved(tmp_path / "constant", policy),
        "--quick",
        "--levels",
        "36",
        "--hooks",
        HOOKS[1],
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(words) == 0
    results = Results.load(tmp_path / "out" / "atlas.json")
    atlas, tendency = results.sections["atlas"], results.sections["tendency"]
    assert not {"examples", "top"} & set(atlas.tables)
    assert set(atlas.arrays) == {f"cloud/{HOOKS[1]}", f"null/{HOOKS[1]}"}
    assert "log-odds that spread over 0 nats" in str(atlas.facts["statement"])
    assert len(tendency.table("layers")) == 0
    assert tendency["tendency/spread"].value == pytest.approx(0, abs=1e-6)


def test_a_comparison_replaces_only_what_a_comparison_wrote(tmp_path, capsys):
    """Neither a page of another kind, nor a whole atlas of a subject that has its file's name."""
    kept = SUBJECTS / "coin.json"

    def refused(name: str, content: str) -> str:
        folder = tmp_path / f"{name} {len(content)}"
        folder.mkdir()
        (folder / name).write_text(content)
        assert main(["compare", str(kept), "--out", str(folder)]) == 2
        assert [file.name for file in folder.iterdir()] == [name]
        assert (folder / name).read_text() == content
        return capsys.readouterr().err

    assert "README.md is there and was not written by a comparison" in refused("README.md", "# Another project")
    assert "comparison.png is there and was not written by a comparison" in refused("comparison.png", "")
    whole = Results.load(kept)
    atlas = whole.sections["atlas"]
    hooks = atlas.table("layers").column("hook")
    arrays = {f"{kind}/{hook}": np.zeros((3, 2), np.float32) for kind in ("cloud", "null") for hook in hooks}
    atlas = Section("atlas", atlas.estimates, atlas.tables, arrays, atlas.facts)
    whole = Results(whole.identity, whole.settings, {**whole.sections, "atlas": atlas})
    assert "coin.json is a whole atlas" in refused("coin.json", whole.to_json())


def test_files_of_an_earlier_version_are_compared_without_what_was_counted_wrongly(tmp_path):
    """Such a table says ``beyond_untrained``: it can be read, and nothing is said from that column."""
    content = json.loads((SUBJECTS / "right.json").read_text())
    (variables,) = [section for section in content["sections"] if section["name"] == "variables"]
    columns = variables["tables"]["rows"]["columns"]
    place = next(i for i, name in enumerate(columns) if name.startswith("beyond_") and name != "beyond_labels")
    texts = {}
    for name in ("beyond_untrained", "beyond_both"):
        columns[place] = name
        for row in variables["tables"]["rows"]["rows"]:
            row[place] = 17
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
        subject = compared(Results.load(tmp_path / f"{name}.json"))
        texts[name] = text([subject], command="x")
    assert "Measured by an earlier version: right" in texts["beyond_untrained"]
    assert "17 (" not in texts["beyond_untrained"]
    assert "answer to the saw" not in texts["beyond_untrained"]
    assert "earlier version: right" not in texts["beyond_both"]
    assert "17 (" in texts["beyond_both"]
    assert "right: for scale, channels that answer to the saw" in texts["beyond_both"]
    content["sections"][0]["tables"]["layers"]["columns"][0] = "hok"
    (tmp_path / "wrong.json").write_text(json.dumps(content))
    with pytest.raises(ResultsError, match="table 'layers' should have the columns"):
        Results.load(tmp_path / "wrong.json")


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        ((0.3, 0.2, 0.4), "right: movement drawn toward"),
        ((-0.3, -0.4, -0.2), "right: movement pushed from"),
        ((0.07, 0.03, 0.13), "right: a pull of the coin on movement that is not 0, but was not shown to matter"),
        ((0.05, 0.02, 0.09), "right: a pull of the coin on movement that would not matter"),
    ],
)
def test_a_pull_is_one_only_where_it_was_shown_to_matter(effect, said):
    subject = compared(Results.load(SUBJECTS / "right.json"))
    value, low, high = effect
    null = dataclasses.replace(subject.pull.null, p=0.001)
    pull = dataclasses.replace(subject.pull, value=value, low=low, high=high, null=null)
    lines = claims([dataclasses.replace(subject, pull=pull)])
    assert [line for line in lines if "movement" in line] == [line for line in lines if said in line]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--hooks", "block1.hook_poll"], "did you mean 'block1.hook_pool'"),
        (["--levels", "10"], "levels: 10; at least 36 are needed"),
        (["--quick", "--levels", "35"], "levels: 35; at least 36 are needed"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is_measured(words, message, tmp_path, capsys):
    assert main(["locate", saved(tmp_path / "planted"), *words, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_atlas(tmp_path, capsys):
    (tmp_path / "x.json").write_text("{}")
    assert main(["compare", str(tmp_path / "x.json"), "--out", str(tmp_path / "out")]) == 2
    assert "not the results of an analysis" in capsys.readouterr().err
