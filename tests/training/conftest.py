"""One finished toy run for all tests that only read one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.training.toys import train


@pytest.fixture(scope="session")
def _four_updates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "toy"
    train(folder, updates=4)
    return folder


@pytest.fixture
def finished(_four_updates: Path, tmp_path: Path) -> Path:
    """A copy of a run of four updates that was never interrupted."""
    return shutil.copytree(_four_updates, tmp_path / "finished")
