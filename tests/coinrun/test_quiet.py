"""What importing and running the game does to the rest of the process: nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mechinterp.coinrun import game_version

needs_mirror = pytest.mark.skipif(game_version()[0] != "procgen-mirror", reason="procgen-gym does not know gym")
ROOT = Path(__file__).resolve().parents[2]
RUN = """
import numpy as np
from mechinterp.coinrun import CoinRunEnv, GameOptions, LevelRange, LevelSource, placement
source = LevelSource(GameOptions(), placement=placement("random_percent=50"))
env = CoinRunEnv(2, source, levels=LevelRange(0, 10))
env.reset(seed=0)
for _ in range(5):
    env.step(np.array([7, 8]))
env.close()
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONWARNINGS": "default"}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=200, check=False)


@pytest.mark.parametrize("code", ["import mechinterp.coinrun", RUN])
def test_nothing_is_printed(code: str) -> None:
    done = run(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_importing_the_face_imports_nothing_heavy() -> None:
    heavy = ("torch", "procgen", "procgen_gym", "gym", "gymnasium", "numpy", "plotly")
    done = run(f"import sys, mechinterp.coinrun; print([n for n in {heavy} if n in sys.modules])")
    assert done.stdout.strip() == "[]"


def test_every_name_of_the_face_is_there() -> None:
    done = run(
        "import mechinterp.coinrun as c\n"
        "for name in c.__all__: getattr(c, name)\n"
        "assert dir(c) == c.__all__\n"
        "try: c.Levels\n"
        "except AttributeError as error: print(error)"
    )
    assert done.stderr == ""
    assert "mechinterp.coinrun exports no 'Levels'" in done.stdout
    assert "did you mean" in done.stdout
    assert "'LevelSource'" in done.stdout


@needs_mirror
def test_procgens_own_registration_with_gym_still_works_afterwards() -> None:
    done = run(
        RUN
        + "import sys\n"
        + "assert 'gym' not in sys.modules\n"
        + "import gym\n"
        + "from procgen.gym_registration import register_environments\n"
        + "register_environments()\n"
        + "assert gym.spec('procgen-coinrun-v0').id == 'procgen-coinrun-v0'\n"
        + "print('registered')"
    )
    assert done.stdout.endswith("registered\n"), done.stderr


@needs_mirror
def test_a_procgen_that_was_imported_before_is_used_as_it_is() -> None:
    done = run("import procgen, gym\n" + RUN + "gym.spec('procgen-coinrun-v0')\nprint('registered')")
    assert done.stdout.endswith("registered\n"), done.stderr
