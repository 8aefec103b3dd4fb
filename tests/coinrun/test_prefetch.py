"""Starts made ahead are those that would have been made on the spot."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from mechinterp.coinrun.checks import SettingError
from mechinterp.coinrun.engine import GameOptions
from mechinterp.coinrun.env import CoinRunEnv
from mechinterp.coinrun.levels import LevelRange, LevelSource
from mechinterp.coinrun.prefetch import StartPrefetcher
from mechinterp.coinrun.state import GameState, StateError

LEVELS = LevelRange(0, 6)  # few, so that the same level is drawn again while it is being made


def short(state: GameState, rng: np.random.Generator) -> GameState:
    if state.level_seed == 4 and short.refusing:
        raise StateError("not this one")
    return state.replace(timeout=3 + int(rng.integers(4)))


short.refusing = False


@pytest.fixture
def source() -> Iterator[LevelSource]:
    made = LevelSource(GameOptions(distribution_mode="easy"), placement=short)
    yield made
    short.refusing = False
    made.close()


@pytest.mark.parametrize("count", [1, 5, 40])
def test_draws_are_the_same_and_so_is_the_generator_after_each(source: LevelSource, count: int) -> None:
    plain, eager = StartPrefetcher(source, LEVELS), StartPrefetcher(source, LEVELS, count=count)
    rngs = [np.random.default_rng(1) for _ in range(2)]
    for turn in range(30):
        if turn == 15:  # a reset: what was made ahead is not what comes
            rngs = [np.random.default_rng(2) for _ in range(2)]
        one, other = (draws.draw(rng) for draws, rng in zip((plain, eager), rngs, strict=True))
        assert (one.level_seed, one.end_x) == (other.level_seed, other.end_x)
        assert one.state.to_bytes() == other.state.to_bytes()
        assert rngs[0].bit_generator.state == rngs[1].bit_generator.state
    eager.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("starts")]


def test_games_are_the_same_through_many_resets(source: LevelSource) -> None:
    envs = [CoinRunEnv(3, source, levels=LEVELS, prefetch=count) for count in (0, 4)]
    frames = [env.reset(seed=5)[0] for env in envs]
    endings = 0
    for t in range(40):
        np.testing.assert_array_equal(*frames)
        if t == 20:
            snapshot = envs[0].snapshot()
            assert snapshot == envs[1].snapshot()
            for env in envs:
                env.restore(snapshot)
        steps = [env.step(np.full(3, 7)) for env in envs]
        frames = [step[0] for step in steps]
        np.testing.assert_array_equal(steps[0][4]["level_seed"], steps[1][4]["level_seed"])
        endings += int(steps[0][3].sum())
    assert endings > 15
    for env in envs:
        env.close()


def test_a_level_that_is_refused_is_told_when_its_turn_comes(source: LevelSource) -> None:
    short.refusing = True
    drawn = [LEVELS.draw(rng) for rng in [np.random.default_rng(6)] for _ in range(20)]
    turn = drawn.index(4)
    assert turn > 0
    draws, rng = StartPrefetcher(source, LEVELS, count=20), np.random.default_rng(6)
    assert [draws.draw(rng).level_seed for _ in range(turn)] == drawn[:turn]
    with pytest.raises(StateError, match="not this one"):
        draws.draw(rng)
    draws.close()


@pytest.mark.parametrize("count", [-1, 1.5])
def test_how_many_ahead_must_be_a_count(source: LevelSource, count: float) -> None:
    with pytest.raises(SettingError, match=r"prefetch: .*at least 0"):
        StartPrefetcher(source, LEVELS, count=count)  # pyright: ignore[reportArgumentType]
