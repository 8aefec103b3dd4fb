"""`mechinterp train` and `mechinterp organisms`, on a toy recipe."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from mechinterp import cli
from mechinterp.training import ORGANISMS, Run, confirm
from tests.training.toys import BATCH, toy


@pytest.fixture(autouse=True)
def _toy_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(ORGANISMS)["_items"], "toy", toy(updates=2, name="toy"))


def test_train_then_go_on_then_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mechinterp.commands.train.LINE_EVERY", 0.0)
    assert cli.main(["train", "toy"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"checkpoints/toy: toy, seed 0: {2 * BATCH} steps in ")
    assert f"{BATCH} of {2 * BATCH} steps, " in said.err
    assert cli.main(["train", "toy"]) == 0
    assert capsys.readouterr().out == "checkpoints/toy: already trained for 64 steps; a larger --steps trains on\n"
    assert cli.main(["train", "toy", "--steps", str(3 * BATCH)]) == 0
    assert f"{3 * BATCH} steps in" in capsys.readouterr().out
    assert cli.main(["train", "toy", "--seed", "1", "--out", "checkpoints/toy"]) == 2
    assert "seed: 0 there, 1 asked" in capsys.readouterr().err
    assert cli.main(["organisms"]) == 0
    listed = capsys.readouterr().out
    for name in ORGANISMS:
        assert f"\n{name} " in listed
    row = next(line for line in listed.splitlines() if line.endswith(" yes"))
    assert row.split()[:4] == ["toy", "toy", "0", str(3 * BATCH)]


def test_folders_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made: list[Path] = []
    monkeypatch.setattr(
        Run,
        "__init__",
        lambda self, recipe, folder, **rest: made.append(folder) or (_ for _ in ()).throw(KeyboardInterrupt),
    )
    for arguments in ([], ["--seed", "2"], ["--network", "impala", "--seed", "1"]):
        assert cli.main(["train", "toy", *arguments]) == 130
    assert [str(path) for path in made] == ["checkpoints/toy", "checkpoints/toy-seed2", "checkpoints/toy-impala-seed1"]


def test_ctrl_c_says_where_it_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Run) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "train", interrupted)
    assert cli.main(["train", "toy", "--out", str(tmp_path / "run")]) == 130
    assert "stopped; the same command goes on from step 0\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tony"], "no organism is called 'tony'; did you mean 'toy'"),
        (["toy", "--network", "lihgt"], "no network is called 'lihgt'; did you mean 'light'?"),
        (["toy", "--device", "tpu"], "device: 'tpu', allowed are 'cpu', 'cuda'"),
        (["toy", "--steps", "0"], "budget: 0 steps, at least 1"),
        (["toy", "--threads", "0"], "--threads 0: at least 1"),
    ],
)
def test_what_is_wrong_is_told(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_organisms_where_there_are_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["organisms"]) == 0
    assert "none is trained in checkpoints; for example: mechinterp train coin" in capsys.readouterr().out
    assert cli.main(["organisms", "nowhere"]) == 2
    assert "nowhere: no such folder" in capsys.readouterr().err


def test_a_card_is_measured_and_drawn_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mechinterp.commands.card.MAX_STEPS", 5)
    monkeypatch.setattr("mechinterp.training.examination.confirm", partial(confirm, variants=2))
    weaknesses, folder = tmp_path / "weaknesses.md", tmp_path / "run"
    weaknesses.write_text("It sleeps.")
    asked = ["card", str(folder), "--weaknesses", str(weaknesses)]
    assert cli.main(asked) == 2
    assert "holds no training run" in capsys.readouterr().err
    assert cli.main(["train", "toy", "--out", str(folder), "--steps", str(4 * BATCH)]) == 0
    assert cli.main([*asked, "--redraw"]) == 2
    assert "holds no evaluation to draw from" in capsys.readouterr().err
    assert cli.main([*asked, "--levels", "2"]) == 0
    first = (folder / "README.md").read_text()
    assert "2 held-out levels, placement stock" in first
    assert "It sleeps." in first
    weaknesses.write_text("It snores.")
    monkeypatch.setattr("mechinterp.training.examination.examine", None)  # nothing is measured again
    assert cli.main([*asked, "--redraw"]) == 0
    assert (folder / "README.md").read_text() == first.replace("It sleeps.", "It snores.")
