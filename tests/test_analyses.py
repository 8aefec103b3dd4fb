"""The scripts and the notebook under analyses/ run as they are, on a small number of levels."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mechinterp.circuits.planted import RECIPES, planted_network
from mechinterp.policies import build, light_impala, save

ROOT = Path(__file__).resolve().parents[1]
ANALYSES = ROOT / "analyses"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    """The policy that is shipped; a random one where it is not there yet."""
    shipped = ROOT / "checkpoints" / "standard"
    if shipped.is_dir():
        return shipped
    policy = build(light_impala(), seed=0)
    policy.get_parameter("logits.weight").data.mul_(300)
    return save(policy, tmp_path_factory.mktemp("checkpoint"), provenance={"steps": 0})


def run(*words: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_patching_script_prints_sites_with_intervals(checkpoint):
    out = run("analyses/activation_patching.py", str(checkpoint), "--levels", "16", "--top", "3")
    assert "coin right against coin left" in out
    lines = [line for line in out.splitlines() if "hook_" in line and "levels)" in line]
    assert len([line for line in lines if "ablation" not in line]) == 3
    for mode in ("zero", "mean", "resample"):
        assert len([line for line in lines if line.startswith(f"{mode} ablation of ")]) == 1


def test_no_damaged_policy_file_is_read_as_a_whole_one():
    out = run("analyses/mutated_files.py", "--count", "400")
    assert json.loads(out.splitlines()[-1]) == {"mutants": pytest.approx(400, abs=4), "read wrongly": 0}


def test_a_circuit_that_lacks_a_channel_fails_its_tests():
    out = run("analyses/circuit_tested.py", "--levels", "12")
    lines = dict(line.split(": ", 1) for line in out.splitlines() if line.startswith(("true circuit", "one channel")))
    assert "denoise: share of the total effect 1 [1, 1]" in out
    assert "true circuit: incompleteness 0 [0, 0]" in out
    assert "one channel less: incompleteness 0." in out
    chance = {name: float(words.split()[2]) for name, words in lines.items()}
    assert chance["true circuit"] == 1
    assert chance["one channel less"] < 0.05


def test_every_method_on_planted_networks_is_as_committed(tmp_path):
    """The committed table is what the script gives, on the kind that tells methods apart; exact effects find all."""
    kept = json.loads((ANALYSES / "reports" / "planted" / "methods.json").read_text())
    exact = [row["auroc"] for row in kept if row["method"] == "exact, larger of both ways"]
    assert {row["kind"] for row in kept} == set(RECIPES)
    assert min(exact) >= 0.99
    quick = ["exact, larger of both ways", "path patching", "attribution patching", "EAP-IG, activations"]
    words = ["--kinds", "two coin paths", "--seeds", "1", "--methods", *quick, "greedy pruning (ACDC)"]
    run("analyses/methods_on_planted.py", *words, "--out", str(tmp_path))
    found = json.loads((tmp_path / "methods.json").read_text())
    committed = {
        (row["variable"], row["method"]): row for row in kept if (row["kind"], row["seed"]) == ("two coin paths", 0)
    }
    variables = ("coin side", "coin on the right")
    assert [(row["variable"], row["method"]) for row in found] == [
        (variable, name) for variable in variables for name in (*quick, "greedy pruning (ACDC)")
    ]
    assert [row["recall"] < 1 for row in found if "recall" in row] == [False, True]  # redundant: one path is let go
    for row in found:
        same = committed[row["variable"], row["method"]]
        assert row["auroc"] == pytest.approx(same["auroc"], abs=0.005), row["method"]
        assert [row.get(key) for key in ("kept", "pairs", "true")] == [
            same.get(key) for key in ("kept", "pairs", "true")
        ]
    assert "Not found in full in 'two coin paths'" in (tmp_path / "methods.md").read_text()


def test_circuits_are_compared_on_held_out_levels_and_drawn_from_their_files(tmp_path):
    network = planted_network("coin and right")
    options = {"provenance": {"steps": 0, "organism": {"options": {"use_backgrounds": False}}}}
    path = save(network.policy, tmp_path / "planted", **options)
    run("analyses/circuits_compared.py", str(path), "--levels", "24", "--out", str(tmp_path / "out"))
    found = json.loads((tmp_path / "out" / "planted.json").read_text())["questions"]
    assert (found[0]["variable"], found[0]["metric"]) == ("coin side", "movement")
    true = {(node.hook, node.channel) for node in network.true_nodes("coin side") | network.used}
    for method in found[0]["methods"]:
        if method["method"] != "attribution":  # gradients see nothing where a relu is shut
            assert {(hook, c) for hook, channels in method["channels"].items() for c in channels} <= true, method
            assert min(way["chosen"]["value"] for way in method["ways"].values()) > 0.8
    assert len(found[0]["methods"]) == 5
    assert found[2]["methods"] == []  # it never jumps
    text = (tmp_path / "out" / "compared.md").read_text()
    assert "| planted | coin side to movement | +" in text
    assert found[2]["why"][:24] in text  # why there is none


def circuit_of(method: str, size: int, denoise: float, noise: float, **more):
    """What `circuits_compared.py` writes about one circuit."""

    def found(value: float):
        return {"value": value, "low": value, "high": value, "n": 9}

    ways = {
        way: {"chosen": found(value), "random": found(size / 1000), "cpr": found(0.5), "cmd": found(0.5)}
        for way, value in (("denoise", denoise), ("noise", noise))
    }
    more = {"held_out_size": 90, "rank_correlation": [], "channels": {}} | more
    return {"method": method, "size": size, "candidates": 96, "ways": ways, **more}


def test_the_smallest_circuit_that_passes_on_held_out_levels_is_named_with_its_method(tmp_path):
    total = {"value": 2.0, "low": 1.0, "high": 3.0, "n": 9}
    methods = [
        circuit_of("exact effects", 40, 0.9, 0.79, held_out_size=43, refined=True),
        circuit_of("attribution", 20, 0.9, 0.7),
        circuit_of("EAP-IG", 50, 0.9, 0.9),
        circuit_of("learned mask", 30, 0.81, 1.2),
    ]
    question = {"variable": "coin side", "metric": "movement", "total": total, "share": 0.8, "jaccard": {}, "why": ""}
    lacking = (
        "where circuits are chosen, the mean effect of these pairs on 'jump' cannot be told from 0 (0 of 34 have none "
        "at all), so shares of it have no meaning: total: the denominator, -1.234 with standard error 0.43 (n=34 "
        "levels), cannot be told from 0 well enough to divide by it; report both"
    )
    questions = [
        question | {"methods": methods, "stability": {"value": 0.93}},
        question | {"variable": "end wall", "methods": methods[:2]},
        question | {"variable": "hazard ahead", "methods": [], "why": lacking},
    ]
    one = {"subject": "mine", "network": "impala", "levels": 20, "seed": 3, "questions": questions}
    (tmp_path / "mine.json").write_text(json.dumps(one))
    run("analyses/circuits_compared.py", "--out", str(tmp_path))
    rows = [line.split(" | ") for line in (tmp_path / "compared.md").read_text().splitlines() if "| mine |" in line]
    assert rows[0][3:5] == ["30 of 96", "learned mask"]
    assert rows[0][5:] == [
        "81% [81%, 81%]", "120% [120%, 120%]", "3%, 3%", "40: chosen size missed; 43 would do", "0.93 |",
    ]  # fmt: skip
    assert rows[1][3] == "none passes on held-out levels"
    assert rows[1][-1] == "- |"
    assert "the effect of -1.234 (standard error 0.43, 34 levels) cannot be told from 0" in rows[2][3]
    assert "chosen size missed; the next size tried that would do is 90" in rows[4]


def test_the_committed_comparison_is_drawn_from_the_committed_files(tmp_path):
    committed = ANALYSES / "reports" / "circuits"
    for path in committed.glob("*.json"):
        (tmp_path / path.name).write_text(path.read_text())
    run("analyses/circuits_compared.py", "--out", str(tmp_path))
    assert (tmp_path / "compared.md").read_text() == (committed / "compared.md").read_text()


def executed(name: str, **variables: str):
    """The notebook, run; its printed text and how many figures it shows."""
    import jupytext
    from nbclient import NotebookClient

    notebook = jupytext.read(ANALYSES / name)
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        NotebookClient(
            notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}
        ).execute()
    finally:
        os.environ.clear()
        os.environ.update(before)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "".join(output.get("text", "") for output in outputs)
    return notebook, printed, sum(output.output_type == "display_data" for output in outputs)


@pytest.mark.slow
def test_the_notebook_runs_from_its_script(checkpoint, tmp_path):
    import nbformat

    notebook, printed, figures = executed(
        "what_does_it_want.py", MECHINTERP_CHECKPOINT=str(checkpoint), MECHINTERP_LEVELS="16"
    )
    nbformat.write(notebook, tmp_path / "out.ipynb")
    assert "total effect of coin side on movement" in printed
    assert "denoise: total" in printed
    assert figures == 2


@pytest.mark.slow
def test_the_notebook_on_the_coin_runs_on_a_planted_network(tmp_path):
    options = {"use_backgrounds": False}
    provenance = {"steps": 0, "organism": {"options": options}}
    network = save(planted_network("coin", distractors=0.0).policy, tmp_path / "planted", provenance=provenance)
    _, printed, figures = executed("where_is_the_coin.py", MECHINTERP_CHECKPOINT=str(network), MECHINTERP_LEVELS="36")
    assert "block2.res1.hook_out: 2 coin channels; coin channels, which causally affect the action" in printed
    assert "largest difference between a coin and its picture, inside: 0.0" in printed
    assert "standard: " in printed
    assert figures == 3


@pytest.mark.parametrize("path", sorted(ANALYSES.rglob("*.py")), ids=lambda path: path.name)
def test_analyses_use_the_public_face_only(path: Path):
    """No name with a leading underscore is imported from the library or taken from one of its modules."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mechinterp"):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            assert not [name for name in names if name.startswith("_")]
        if isinstance(node, ast.Attribute) and ast.unparse(node) != "os._exit":  # Python's own, after a fork
            assert not (node.attr.startswith("_") and not node.attr.startswith("__")), ast.unparse(node)


def test_false_alarms_are_counted_for_every_effect(checkpoint, tmp_path):
    out = run(
        "analyses/false_alarms.py", str(checkpoint), "--networks", "3", "--levels", "10", "--out", str(tmp_path)
    )  # fmt: skip
    assert "3 random networks as sensitive as" in out
    rows = [line for line in out.splitlines() if line.startswith("|")][2:]
    assert rows[0].startswith("| **any effect of the coin on actions** | ")
    (written,) = tmp_path.glob("*.json")
    networks = json.loads(written.read_text())
    assert len(networks) == 3
    assert len(rows) == 1 + len(networks[0])
    for one in networks:  # the least p of a rank among two others is 1/3: none is claimed
        assert not {"above", "below"} & set(one.values())


def test_false_alarms_inside_are_counted_for_every_claim(checkpoint, tmp_path):
    sizes = ("--networks", "3", "--patched", "2", "--circuits", "0", "--levels", "10")
    out = run("analyses/false_alarms_inside.py", str(checkpoint), *sizes, "--out", str(tmp_path))
    rows = [line for line in out.splitlines() if line.startswith("|")][2:]
    assert [row.split(" | ")[1] for row in rows] == ["3"] * 4 + ["2"] * 2
    (written,) = tmp_path.glob("*.json")
    networks = json.loads(written.read_text())
    assert [len(one) for one in networks] == [6, 6, 4]
    for one in networks[:2]:  # the least p of a rank among two others is 1/3: no part of an effect is claimed
        assert not any(claimed for name, (claimed, _) in one.items() if name.startswith("patching"))


def test_what_uses_the_coin_is_found_to_and_nothing_else_in_the_committed_table():
    rows = json.loads((ANALYSES / "reports" / "planted" / "features.json").read_text())
    assert {row["kind"] for row in rows} == {*RECIPES, "gated, lava in view"}
    for row in rows:
        assert bool(row["used"]) is row["coin"], row["kind"]
        assert not (row["coin"] and row["unused"]), row["kind"]
