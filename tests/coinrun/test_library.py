"""Whichever wheel is installed, the game is the one that procgen-mirror 0.10.7 played when this was recorded.

``python -m tests.coinrun.test_library`` records it again.
"""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from mechinterp.coinrun import library
from mechinterp.coinrun.engine import Engine, GameOptions
from mechinterp.coinrun.levels import LevelSource
from mechinterp.coinrun.library import game_version, open_library
from mechinterp.coinrun.state import GameState

RECORDED = Path(__file__).with_name("library.npz")
GAMES, STEPS, EVERY = 6, 240, 30
SETTINGS = {
    "easy": GameOptions(distribution_mode="easy"),
    "hard": GameOptions(distribution_mode="hard"),
    "plain": GameOptions(distribution_mode="easy", use_backgrounds=False),
}


def play(options: GameOptions) -> dict[str, np.ndarray]:
    """What the library gives for six levels and random actions: rewards, ends, frames and states on the way."""
    with_levels = LevelSource(options)
    starts = [with_levels.start(seed).state for seed in range(GAMES)]
    with_levels.close()
    engine = Engine(GAMES, options=options)
    engine.load(dict(enumerate(starts)))
    engine.observe()
    rng = np.random.default_rng(0)
    rewards, firsts, frames, states = [], [], [], []
    for step in range(STEPS):
        engine.step(rng.choice([7, 8, 4, 1, 5], GAMES, p=[0.45, 0.3, 0.1, 0.1, 0.05]))
        reward, frame, first = engine.observe()
        rewards.append(reward.copy())
        firsts.append(first.copy())
        if step % EVERY == 0:
            frames.append(frame.copy())
            states += [engine.state_bytes(slot) for slot in range(GAMES)]
    engine.close()
    return {
        "rewards": np.array(rewards),
        "firsts": np.array(firsts),
        "frames": np.array(frames),
        "hashes": np.array([hashlib.sha256(state).hexdigest() for state in states]),
        "last": np.frombuffer(states[-1], np.uint8),
    }


@pytest.fixture(scope="module", params=SETTINGS)
def mode(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def recorded(mode: str) -> dict[str, np.ndarray]:
    with np.load(RECORDED) as file:
        return {name.split("/")[1]: file[name] for name in file.files if name.startswith(mode)}


@pytest.fixture(scope="module")
def played(mode: str) -> dict[str, np.ndarray]:
    return play(SETTINGS[mode])


def test_states_rewards_and_ends_are_those_recorded(played: dict, recorded: dict) -> None:
    assert recorded["firsts"].sum() > 2, "the recording is worth little if no episode ends in it"
    for name in ("rewards", "firsts", "hashes"):
        assert (played[name] == recorded[name]).all(), name


def test_frames_differ_in_backgrounds_alone_in_few_pixels_and_mostly_a_little(
    played: dict, recorded: dict, mode: str
) -> None:
    distance = np.abs(played["frames"].astype(int) - recorded["frames"]).max(-1)  # [step, game, 64, 64]
    if game_version()[0] == "procgen-mirror" or not SETTINGS[mode].use_backgrounds:
        assert distance.max() == 0
    else:
        # Of 2,048 frames of either mode: .05 % and .15 % of the pixels, 90 % of them by at most 19.
        assert 0 < (distance > 0).mean() < 0.004
        assert np.quantile(distance[distance > 0], 0.9) < 26


def test_a_recorded_state_loads_and_comes_back(recorded: dict, mode: str) -> None:
    data = recorded["last"].tobytes()
    state = GameState.from_bytes(data)
    assert state.to_bytes() == data
    engine = Engine(1, options=SETTINGS[mode])
    engine.load({0: state})
    assert engine.state_bytes(0) == data
    engine.close()


def test_slots_may_be_numpys_integers() -> None:
    games = open_library(2, options={}, threads=0)
    games.set_state(np.int64(0), games.get_state(np.int64(1)))  # type: ignore[arg-type]
    assert games.get_state(0) == games.get_state(1)
    games.close()


def test_the_version_is_that_of_the_wheel_that_is_there() -> None:
    name, version = game_version()
    assert name in library.WHEELS
    assert metadata.version(name) == version


def test_a_missing_game_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(library.metadata, "version", absent)
    with pytest.raises(ImportError, match=r"not installed.*pip install procgen-(gym|mirror)"):
        game_version()


if __name__ == "__main__":
    runs = {mode: play(options) for mode, options in SETTINGS.items()}
    np.savez_compressed(
        RECORDED, **{f"{mode}/{name}": found for mode, run in runs.items() for name, found in run.items()}
    )
