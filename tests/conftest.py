"""What all tests share: hypothesis profile, foreign weights, one thread for torch."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# set before any test module imports torch or numpy's BLAS: the suite runs several processes on few cores
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# no deadline: a first call may compile, import or wait for a busy core. Derandomised, so that a run can be repeated.
settings.register_profile(
    "mechinterp",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("thorough", parent=settings.get_profile("mechinterp"), derandomize=False, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "mechinterp"))


@pytest.fixture(autouse=True)
def one_torch_thread() -> None:
    """Keep torch to one thread, without importing it for the tests that never do."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_weights() -> Path:
    """The folder of policies that other people trained; tests that need it are skipped where it is absent."""
    folder = ROOT.parent / "shared" / "weights"
    if not folder.is_dir():
        pytest.skip(f"the foreign weights are not here: {folder} is absent")
    return folder
