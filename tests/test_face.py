"""`import mechinterp as mi`: every name exists, nothing heavy is imported before it is used."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
import time

import pytest

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


@pytest.mark.parametrize("package", ["coinrun", "policies", "training"])
def test_no_function_is_called_as_its_module(package: str):
    """`from mechinterp.policies import rollout` would give the module where it is imported already."""
    root = importlib.import_module(f"mechinterp.{package}")
    for found in pkgutil.walk_packages(root.__path__, f"{root.__name__}."):
        name = found.name.rpartition(".")[2]
        assert not hasattr(importlib.import_module(found.name), name), found.name


def test_rollout_is_the_function():
    from mechinterp.policies import Episodes, rollout

    assert callable(rollout)
    assert Episodes.__module__ == "mechinterp.policies.episodes"
