"""Real levels and real states in the middle of play, made once for all tests of the game."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from mechinterp.coinrun.engine import Engine, GameOptions
from mechinterp.coinrun.levels import LevelSource, Start
from mechinterp.coinrun.state import GameState

MODES = ("easy", "hard")


@pytest.fixture(scope="session")
def sources() -> Iterator[dict[str, LevelSource]]:
    made = {mode: LevelSource(GameOptions(distribution_mode=mode)) for mode in MODES}
    yield made
    for source in made.values():
        source.close()


@pytest.fixture(scope="session")
def stock_levels(sources: dict[str, LevelSource]) -> list[Start]:
    """150 easy and 150 hard levels as the game makes them."""
    return [source.start(seed) for source in sources.values() for seed in range(150)]


@pytest.fixture(scope="session")
def played_bytes() -> list[bytes]:
    """420 states of both difficulties, at level starts and up to 400 steps later, as the library gives them."""
    found: list[bytes] = []
    for mode in MODES:
        engine = Engine(10, options=GameOptions(distribution_mode=mode))
        rng = np.random.default_rng(0)
        actions = np.array([7, 8, 4, 1, 5])
        for step in range(401):
            if step % 20 == 0:
                found += [engine.state_bytes(slot) for slot in range(engine.num)]
            engine.step(rng.choice(actions, engine.num, p=[0.45, 0.3, 0.1, 0.1, 0.05]))
            engine.observe()
        engine.close()
    return found


@pytest.fixture(scope="session")
def played(played_bytes: list[bytes]) -> list[GameState]:
    return [GameState.from_bytes(data) for data in played_bytes]


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A few games to load states into; whoever uses it loads what it needs first."""
    made = Engine(8, options=GameOptions())
    yield made
    made.close()
