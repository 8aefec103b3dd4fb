"""Model cards say what the run says."""

from __future__ import annotations

import dataclasses
import json
import xml.etree.ElementTree as ElementTree
from html import escape
from pathlib import Path

import numpy as np
import pytest
import torch
from markdown_it import MarkdownIt

from mechinterp import cli, stats
from mechinterp.training import ForkScore, TrainingError, curve, write_card
from mechinterp.training.card import check_card, training_command
from mechinterp.training.examination import Examination
from mechinterp.training.records import find_run, write_evaluation
from tests.training.toys import BATCH

Estimate = stats.Estimate
COMMAND = "mechinterp train toy --seed 0"


def evaluation() -> dict[str, list[stats.Estimate]]:
    rng = np.random.default_rng(0)
    share = stats.proportion([1, 1, 1, 0] * 10, name="coin left/coin", unit="forks")
    returns = stats.mean(10 * rng.random(50), name="return", unit="levels", rng=rng)
    null = stats.Null(description="always right | jump", value=6.5, low=6, high=7)
    return {"Unseen levels": [returns.against(null)], "Choice tests": [share]}


def test_the_card_holds_recipe_curve_table_and_weaknesses(finished: Path) -> None:
    path = write_card(finished, evaluation=evaluation(), weaknesses="It falls into **lava**.", command=COMMAND)
    text = path.read_text()
    assert path == finished / "README.md"
    assert text.startswith("# finished\n")
    for wanted in (COMMAND, "| environment steps | 128 |", "seeds 0 to 9,999,999", "learning_rate = 0.0005", "lava"):
        assert wanted in text, wanted
    assert "| coin left/coin | 0.75 | [0.59, 0.87] | 40 forks |" in text
    assert "always right \\| jump: 6.5 |" in text
    assert f"after 0, {4 * BATCH} steps" in text
    assert "95% intervals" in text
    assert json.loads((finished / "config.json").read_text())["provenance"]["machine"] in text
    drawing = ElementTree.fromstring((finished / "learning-curve.svg").read_text())
    assert drawing.tag.endswith("svg")
    assert "(learning-curve.svg)" in text


def test_the_command_is_put_together_from_the_recipe(finished: Path) -> None:
    run = find_run(finished)
    assert run is not None
    with pytest.raises(TrainingError, match="'standard' is not today's; give the command"):
        training_command(run)  # the toy is not the real recipe
    from mechinterp.training.organisms import NETWORKS, organism
    from mechinterp.training.run_identity import identity

    real = find_run(finished)
    assert real is not None
    import dataclasses

    real = dataclasses.replace(real, identity=identity(organism("standard"), 3), steps=3_014_656)
    assert training_command(real).endswith(f"--out checkpoints/finished --threads {torch.get_num_threads()}")
    real = dataclasses.replace(real, provenance={})
    assert training_command(real) == "mechinterp train standard --seed 3 --out checkpoints/finished"
    longer = dataclasses.replace(real, steps=4_014_080)
    assert training_command(longer).endswith("--steps 4014080")
    wide = dataclasses.replace(organism("standard"), network=NETWORKS["impala"]())
    assert training_command(dataclasses.replace(real, identity=identity(wide, 0))).endswith("--network impala")
    for how, said in (
        ({"device": "cpu", "precision": "bfloat16"}, "--precision bfloat16"),
        ({"device": "cuda", "precision": "bfloat16"}, "--device cuda"),
        ({"device": "cuda", "precision": "float32"}, "--device cuda --precision float32"),
    ):
        assert training_command(dataclasses.replace(real, provenance=how)).endswith(f"checkpoints/finished {said}")


def test_a_card_of_nothing_is_refused(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no training run"):
        write_card(tmp_path, evaluation={}, weaknesses="some")
    with pytest.raises(TrainingError, match="weaknesses: empty"):
        write_card(finished, evaluation={}, weaknesses=" ")
    with pytest.raises(TrainingError, match="no estimates under 'Forks'"):
        write_card(finished, evaluation={"Forks": []}, weaknesses="some", command=COMMAND)


def test_a_curve_is_means_of_stretches() -> None:
    metrics = [{"steps": 10.0 * at, "x": float(at)} for at in range(1, 9)]
    assert curve.points(metrics, "x", count=4) == [(20, 1.5), (40, 3.5), (60, 5.5), (80, 7.5)]
    assert curve.points(metrics[:2], "x", count=4) == [(10, 1), (20, 2)]
    assert curve.sparkline([0, 5, 10, 99], low=0, high=10) == "▁▅██"
    with pytest.raises(TrainingError, match="no metrics hold 'y'"):
        curve.points(metrics, "y", count=4)


@pytest.mark.parametrize(("qualified", "told"), [(True, "yes"), (False, "no"), (None, "open")])
def test_an_evaluation_is_kept_as_data_and_listed(
    finished: Path, capsys: pytest.CaptureFixture[str], qualified: bool | None, told: str
) -> None:
    def confirmed() -> str:
        assert cli.main(["organisms", str(finished.parent)]) == 0
        row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("finished "))
        return row.split()[-2]

    assert confirmed() == "-"
    (share,) = evaluation()["Choice tests"]
    found = Examination(2, {"stock": [share]}, (ForkScore("coin left", True, share, share, share),), qualified)
    write_evaluation(finished, {"seed": 1, "max_steps": 9, "greedy": False, **found.to_dict()})
    run = find_run(finished)
    assert run is not None
    assert run.evaluation is not None
    assert stats.Estimate.from_dict(run.evaluation["placements"]["stock"][0]) == share
    assert len(run.evaluation["choice_tests"]) == 3
    assert confirmed() == told
    assert "evaluation.json" in write_card(finished, evaluation=evaluation(), weaknesses="-", command="x").read_text()


ROW = {"name": "return", "value": 1.0, "low": 0.0, "high": 2.0, "n": 10, "unit": "levels"}
WHOLE = {"levels": 10, "max_steps": 9, "seed": 0, "greedy": False, "placements": {"stock": [ROW]}, "choice_tests": [],
         "qualified": None}  # fmt: skip
ODD = [
    "[" * 100_000,
    "9" * 5000,
    json.dumps(WHOLE | {"levels": float("nan")}),
    json.dumps(WHOLE | {"levels": 10**400}),
    json.dumps(WHOLE | {"levels": 10.5}),
    json.dumps(WHOLE | {"placements": [ROW]}),
    json.dumps(WHOLE | {"placements": {"stock": ROW}}),
    json.dumps(WHOLE | {"placements": {"stock": [3]}}),
    json.dumps(WHOLE | {"placements": {"stock": [ROW | {"n": "ten"}]}}),
    json.dumps(WHOLE | {"choice_tests": [ROW | {"value": 7.0}]}),
    json.dumps(WHOLE | {"qualified": 1}),
    json.dumps(WHOLE | {"held_out": {"levels": "ten"}}),
]


def test_a_whole_evaluation_is_read(finished: Path) -> None:
    (finished / "evaluation.json").write_text(json.dumps(WHOLE))
    run = find_run(finished)
    assert run is not None
    assert run.evaluation == WHOLE


@pytest.mark.parametrize("recipe", [{"name": "coin"}, {"name": "coin", "options": [], "network": 3, "ppo": {"a": "b"}}])
def test_a_recipe_that_is_none_is_told_before_anything_is_measured(finished: Path, recipe: dict) -> None:
    run = find_run(finished)
    assert run is not None
    odd = dataclasses.replace(run, identity={"organism": recipe, "seed": 0})
    with pytest.raises(TrainingError, match=r"config\.json: provenance\.organism is no recipe"):
        check_card(odd, weaknesses="some", command="a command")


def test_texts_of_a_run_are_no_markup_in_its_card(finished: Path) -> None:
    nasty = "| <img src=x>\n# [y](https://z)"
    page = write_card(
        finished,
        evaluation={nasty: [Estimate.from_dict(ROW | {"name": nasty})]},
        weaknesses="some",
        command="c",
        machine=nasty,
    ).read_text()
    html = MarkdownIt("commonmark").enable("table").render(page)
    assert html.count(escape(" ".join(nasty.split()))) == 3  # the heading, the row and the machine
    assert html.count("<img") == 1  # the curve
    assert "<a " not in html


@pytest.mark.parametrize("content", ["{", "[]", '{"qualified": "maybe"}', *ODD])
def test_a_damaged_evaluation_is_told(finished: Path, content: str) -> None:
    (finished / "evaluation.json").write_text(content)
    with pytest.raises(TrainingError, match=r"evaluation.json: .*remove it, and `mechinterp card` measures again"):
        find_run(finished)
