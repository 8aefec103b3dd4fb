from __future__ import annotations

import pytest

from mechinterp.experiments import registry
from tests.experiments.toys import Toy, subject, toy


@pytest.fixture
def invented(monkeypatch):
    """Replaces the slices that the registry finds by those that it is called with."""

    def replace(*those):
        monkeypatch.setattr(registry, "members", lambda package, attribute: {one.name: one for one in those})
        registry.all_slices.cache_clear()

    yield replace
    monkeypatch.undo()
    registry.all_slices.cache_clear()


@pytest.fixture
def three(invented) -> tuple[Toy, Toy, Toy]:
    """A page of three slices, the last of which needs the first."""
    calls: list[str] = []
    made = (
        toy("first", 10, calls=calls),
        toy("second", 20, calls=calls),
        toy("third", 30, calls=calls, needs=("first",)),
    )
    invented(*made)
    return made


@pytest.fixture(scope="session")
def tiny():
    """A subject with a network of two channels."""
    return subject()
