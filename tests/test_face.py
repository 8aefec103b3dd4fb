"""`import mechinterp as mi`: every name exists, nothing heavy is imported before it is used."""

from __future__ import annotations

import subprocess
import sys
import time

import mechinterp as mi


def test_every_name_exists():
    for name in mi.__all__:
        assert getattr(mi, name) is not None
    assert {"load", "Subject", "READOUTS", "VARIABLES", "PLACEMENTS", "ORGANISMS", "Estimate"} <= set(mi.__all__)
    assert mi.__version__


def test_help_is_quick():
    best = 9.0
    for _ in range(3):  # other processes may be busy
        began = time.monotonic()
        subprocess.run([sys.executable, "-m", "mechinterp", "--help"], capture_output=True, check=True)
        best = min(best, time.monotonic() - began)
    assert best < 0.5
