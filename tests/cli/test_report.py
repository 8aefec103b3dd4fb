"""The main job, end to end on a small network: interrupted, gone on with, and read again."""

from __future__ import annotations

import json

import pytest

from mechinterp.cli import main
from mechinterp.policies import ImpalaConfig, build, save
from tests.reports import synthetic


@pytest.fixture
def checkpoint(tmp_path):
    config = ImpalaConfig((4, 4), res_blocks=1, stem_kernel=5, stem_stride=4, hidden=8, actions=(6, 7, 8, 1))
    return save(build(config, seed=0), tmp_path / "toy", provenance={"steps": 0})


def test_what_was_measured_before_an_interruption_is_kept(checkpoint, tmp_path, monkeypatch, capsys):
    out = tmp_path / "report"
    command = ["report", str(checkpoint), "--quick", "--levels", "10", "--out", str(out)]

    def interrupt(*_args, **_options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("mechinterp.reports.measure.run.measure_drive", interrupt)
        assert main(command) == 130
    assert not (out / "results.json").exists()

    with monkeypatch.context() as patched:  # whoever plays a level now does it twice
        patched.setattr("mechinterp.reports.measure.behaviour.play", interrupt)
        assert main(command) == 0
    results = json.loads((out / "results.json").read_text())
    returns = [e for part in results["sections"] for e in part["estimates"] if e["name"] == "return/policy"]
    assert len(returns) == 1
    assert returns[0]["n"] == 10
    assert returns[0]["low"] <= returns[0]["value"] <= returns[0]["high"]
    page = (out / "report.html").read_text()
    assert page.count("plotly.js v") == 1  # one copy of the library
    assert "<script src=" not in page
    assert not list(out.glob("*.partial"))
    assert "report.html" in capsys.readouterr().out


def test_an_interrupted_drawing_loses_no_measurement(checkpoint, tmp_path, monkeypatch):
    out = tmp_path / "report"
    command = ["report", str(checkpoint), "--quick", "--levels", "10", "--out", str(out)]
    kept = synthetic.results()

    def interrupt(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("mechinterp.reports.measure.run.measure", lambda *_args, **_options: kept)
    (out / "results.partial").mkdir(parents=True)
    with monkeypatch.context() as patched:
        patched.setattr("mechinterp.reports.output.draw", interrupt)
        assert main(command) == 130
    assert (out / "results.partial").exists()
    assert (out / "results.json").exists()
    assert main(command) == 0
    assert not (out / "results.partial").exists()


@pytest.mark.parametrize("command", ["report", "evaluate", "patch", "locate", "train"])
def test_a_seed_that_no_generator_takes(command, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([command, "checkpoints/standard", "--seed=-1"])
    assert "allowed are whole numbers from 0" in capsys.readouterr().err
