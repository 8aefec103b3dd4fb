"""Killed without warning, at random moments: nothing is lost but time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from mechinterp.policies import series
from tests.training.toys import BATCH, contents, untimed

ROOT = Path(__file__).resolve().parents[2]


def test_killed_ten_times_a_run_ends_where_it_would_have_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.training.killing", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    happened = json.loads(done.stdout)
    assert happened["kills"] >= 10
    assert happened["progressed"] >= 3
    killed, straight = contents(tmp_path / "killed"), contents(tmp_path / "straight")
    assert untimed(tmp_path / "killed") == untimed(tmp_path / "straight")
    assert len(untimed(tmp_path / "killed")) == happened["steps"] / BATCH
    assert set(killed) == set(straight), "no half-written file, no lock is left"
    assert [step.step for step in series(tmp_path / "killed")] == [0, happened["steps"]]
    for name in killed:
        if name.endswith(".safetensors"):
            assert killed[name] == straight[name], name
