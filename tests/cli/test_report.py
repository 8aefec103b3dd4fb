"""The main job, end to end on a small network: interrupted, resumed, and read again."""

from __future__ import annotations

import pytest

from mechinterp.cli import main
from mechinterp.experiments import Results, report
from mechinterp.experiments.registry import slices
from mechinterp.policies import ImpalaConfig, build, load, save
from mechinterp.policies.subject import Subject


@pytest.fixture
def checkpoint(tmp_path):
    config = ImpalaConfig((4, 4), res_blocks=1, stem_kernel=5, stem_stride=4, hidden=8, actions=(6, 7, 8, 1))
    return save(build(config, seed=0), tmp_path / "toy", provenance={"steps": 0})


def interrupt(*_args, **_options):
    raise KeyboardInterrupt


def test_what_was_measured_before_an_interruption_is_kept(checkpoint, tmp_path, monkeypatch, capsys):
    out = tmp_path / "report"
    command = ["report", str(checkpoint), "--quick", "--levels", "10", "--out", str(out)]
    with monkeypatch.context() as patched:
        patched.setattr("mechinterp.experiments.total_effect.measure.own_effects", interrupt)
        assert main(command) == 130
    assert not (out / "results.json").exists()

    with monkeypatch.context() as patched:  # whoever plays a level now does it twice
        patched.setattr("mechinterp.experiments.inputs.behaviour.play", interrupt)
        assert main(command) == 0
    results = Results.load(out / "results.json")
    own = results["performance"].policy.mean_return
    assert own.n == 10
    assert own.low <= own.value <= own.high
    assert list(results.sections) == [one.name for one in slices("report")]
    page = (out / "report.html").read_text()
    assert page.count("plotly.js v") == 1  # one copy of the library
    assert "<script src=" not in page
    assert not list(out.glob("*.partial"))
    said = capsys.readouterr()
    assert "report.html" in said.out
    assert "The coin's side" in said.out
    assert "section" in said.err  # the progress bar


def test_only_some_sections_and_the_same_numbers_from_python(checkpoint, tmp_path):
    out = tmp_path / "report"
    assert main(["report", str(checkpoint), "--quick", "--levels", "10", "--only", "model", "--out", str(out)]) == 0
    results = Results.load(out / "results.json")
    assert list(results.sections) == ["model"]
    assert "Not asked for" in (out / "report.html").read_text()
    again = report(Subject.load(checkpoint), levels=10, quick=True, only=["model"], out=tmp_path / "python")
    assert again["model"] == again["model"]
    assert again["model"].model_dump_json() == results["model"].model_dump_json()
    assert (tmp_path / "python" / "report.html").exists()
    assert load(checkpoint).shapes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "drive"], "has no section 'drive'"),
        (["--levels", "3"], "levels: 3"),
        (["--levels", "1000000000"], "levels: 1000000000"),
        (["--format", "nothing"], "leave the format out"),
    ],
)
def test_what_can_be_refused_is_refused_before_anything_is_measured(
    checkpoint, tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.setattr("mechinterp.experiments.runner.run", interrupt)
    assert main(["report", str(checkpoint), "--out", str(tmp_path / "out"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_bad_checkpoint_and_an_unwritable_folder_are_refused_first(checkpoint, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("mechinterp.experiments.runner.run", interrupt)
    assert main(["report", str(tmp_path / "nothing")]) == 2
    assert "nothing" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["report", str(checkpoint), "--out", str(tmp_path / "file")]) == 2
    assert "file" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["report", "evaluate", "patch", "locate", "train"])
def test_a_seed_that_no_generator_takes(command, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([command, "checkpoints/standard", "--seed=-1"])
    assert "allowed are whole numbers from 0" in capsys.readouterr().err
