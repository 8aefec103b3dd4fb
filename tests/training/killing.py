"""Trains a toy in a child process that is killed again and again: run as ``python -m tests.training.killing FOLDER``.

It forks, so that a child need not import everything again, and prints one JSON object with what happened. It leaves
``FOLDER/killed``, a run that was killed and resumed, and ``FOLDER/straight``, the same run, undisturbed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from mechinterp.training import Run, RunOptions
from mechinterp.training.records import read_resume
from tests.training.toys import BATCH, TOY_PPO, toy, train

KILLS = 10
ENDLESS = 10**9


def forked(folder: Path, *, updates: int) -> int:
    """Train in a child process, saving after every update; its process id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        train(folder, updates=updates, save_every=0)
        status = 0
    finally:
        os._exit(status)


def finish(child: int) -> None:
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise SystemExit(f"a run that was not killed ended with {status}")


def steps_saved(folder: Path) -> int:
    path = folder / "resume.pt"
    return read_resume(path)["ppo"]["steps"] if path.exists() else 0


def main(root: Path) -> None:
    torch.set_num_threads(1)
    Run(toy(), root / "warm", seed=0, options=RunOptions()).close()  # loads what every child would load
    began = time.monotonic()
    finish(forked(root / "timed", updates=3))
    usual = time.monotonic() - began
    rng = random.Random(time.time_ns())
    folder, kills, progressed = root / "killed", 0, 0
    # More kills than asked where a busy machine gave no child the time to get anywhere.
    while kills < KILLS or (progressed < 3 and kills < 5 * KILLS):
        before = steps_saved(folder)
        child = forked(folder, updates=ENDLESS)
        time.sleep(rng.uniform(0, 1.2 * usual))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            raise SystemExit(f"a run ended by itself, with {status}, after {kills} kills")
        kills += 1
        progressed += steps_saved(folder) > before
    updates = steps_saved(folder) // BATCH + 2
    finish(forked(folder, updates=updates))
    finish(forked(root / "straight", updates=updates))
    print(json.dumps({"kills": kills, "progressed": progressed, "steps": updates * TOY_PPO.batch}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
