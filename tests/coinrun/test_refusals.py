"""What the game's own code or numpy would answer with a crash, a raw error, or silence."""

# pyright: reportArgumentType=false
# What is given here is wrong on purpose.

from __future__ import annotations

import copy
import dataclasses
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.ascii import level
from mechinterp.coinrun.camera import Camera
from mechinterp.coinrun.checks import OrderError, SettingError
from mechinterp.coinrun.edits import EditError
from mechinterp.coinrun.engine import Engine, GameOptions
from mechinterp.coinrun.env import CoinRunEnv
from mechinterp.coinrun.levels import LevelRange, LevelSource, Start
from mechinterp.coinrun.library import game_version
from mechinterp.coinrun.state import GameState, RngState, StateError

OPTIONS = GameOptions(distribution_mode="easy")
LEVELS = LevelRange(0, 100)
DEADLY = "#A^^^^..#\n#########"


@pytest.fixture(scope="module")
def state() -> GameState:
    return level("#A...S..B..C#\n#############\n#############", options=OPTIONS)


# ------------------------------------------------------------------------------------------------ games and levels


@pytest.mark.parametrize(("num", "threads"), [(1, -1), (1, 1.5), (0, 0), (-3, 0), (2.0, 0), (True, 0), (1, True)])
def test_games_and_threads_that_cannot_be(num: Any, threads: Any) -> None:
    with pytest.raises(SettingError, match=r"(num|threads): .*, a whole number is needed, at least [01]"):
        Engine(num, threads=threads)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, None, True])
def test_seeds_that_no_generator_takes(seed: Any) -> None:
    with pytest.raises(SettingError, match=r"seed of a level source: .* 0 to 2\*\*63 - 1"):
        LevelSource(OPTIONS, seed=seed)


@pytest.mark.parametrize("value", ["yes", 1, 0, None, np.True_])
@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(GameOptions)[1:]])
def test_a_switch_is_true_or_false(name: str, value: Any) -> None:
    with pytest.raises(StateError, match=rf"{name}: .*, allowed are True and False"):
        GameOptions(**{name: value})


def test_levels_are_whole_numbers() -> None:
    with LevelSource(OPTIONS) as source:
        for seed in (True, 1.0, "1", -1, 2**31):
            with pytest.raises(SettingError, match=r"level seed .*: allowed are 0 to 2147483646, whole numbers"):
                source.start(seed)
        assert source.start(np.int64(3)).state == source.start(3).state
    for start, count in ((True, 3), (0, True), (0, 1.5), (-1, 2), (0, 2**31)):
        with pytest.raises(SettingError, match="levels"):
            LevelRange(start, count)


# ------------------------------------------------------------------------------------------------ processes


def in_a_forked_child(do: Callable[[], object], *, seconds: int = 20) -> str:
    """What a forked child says: the name and text of an error, or nothing; "hangs" where it took too long."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        signal.alarm(seconds)
        try:
            do()
        except Exception as error:
            os.write(writing, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        text = said.read().decode()
    return "hangs" if os.waitpid(child, 0)[1] else text


def test_threads_do_not_come_along_into_a_forked_process() -> None:
    with LevelSource(OPTIONS) as source:
        envs = {threads: CoinRunEnv(2, source, levels=LEVELS, threads=threads) for threads in (0, 2)}
        actions = np.array([7, 7])
        for env in envs.values():
            env.reset(seed=0)
        stepped = envs[0].step(actions)[0]
        assert in_a_forked_child(lambda: envs[2].step(actions)).startswith("OrderError: these 2 games have threads")
        assert in_a_forked_child(lambda: envs[2].close()) == ""
        assert in_a_forked_child(lambda: envs.pop(2)) == ""  # collected as garbage
        assert in_a_forked_child(lambda: envs[0].step(actions)) == ""
        assert in_a_forked_child(lambda: Engine(2, threads=2).step(actions)) == ""
        np.testing.assert_array_equal(envs[2].step(actions)[0], stepped)  # the parent goes on as if nothing had been
        ahead = CoinRunEnv(2, source, levels=LEVELS, prefetch=2)
        assert in_a_forked_child(lambda: ahead.reset(seed=0)).startswith(
            "OrderError: starts are made ahead in a thread"
        )
        assert in_a_forked_child(ahead.close) == ""
        for env in (*envs.values(), ahead):
            env.close()


@pytest.mark.skipif(game_version()[0] != "procgen-mirror", reason="the other wheel does not import gym")
def test_gym_finds_procgen_after_us() -> None:
    """The package is imported without its entries in gym's registry; who asks gym for them gets them all the same."""
    program = """
from mechinterp.coinrun import GameOptions, LevelSource
source = LevelSource(GameOptions())
import sys
assert "gym" not in sys.modules
import gym
frame = gym.make("procgen:procgen-coinrun-v0", disable_env_checker=True).reset()
import procgen
assert type(source._engine._library._env) is procgen.ProcgenGym3Env
print(frame.shape, source.start(3).level_seed)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "(64, 64, 3) 3\n", done.stderr


def test_gymnasiums_episode_statistics_agree_with_ours() -> None:
    pytest.importorskip("gymnasium.wrappers.vector")
    from gymnasium.wrappers.vector import RecordEpisodeStatistics

    with LevelSource(OPTIONS) as source:
        env = RecordEpisodeStatistics(CoinRunEnv(4, source, levels=LEVELS))
        env.reset(seed=0)
        ended = 0
        for _ in range(200):
            infos = env.step(np.full(4, 8))[4]
            if "_ended" in infos:
                ended += int(infos["_ended"].sum())
                np.testing.assert_array_equal(infos["_episode"], infos["_ended"])
                for name in ("r", "l"):
                    np.testing.assert_array_equal(infos["episode"][name], infos["ended"][name])
        assert ended == env.episode_count > 4
        env.close()


def test_nothing_can_be_done_with_what_is_closed(state: GameState) -> None:
    source = LevelSource(OPTIONS)
    env = CoinRunEnv(1, source, levels=LEVELS)
    env.reset(seed=0)
    env.close()
    env.close()
    source.close()
    source.close()
    calls: list[Callable[[], object]] = [
        lambda: env.step(np.array([4])),
        env.reset,
        env.states,
        env.render,
        lambda: source.start(0),
    ]
    for call in calls:
        with pytest.raises(OrderError, match="closed"):
            call()


def test_a_step_that_was_begun_is_waited_for_before_anything_else() -> None:
    source = LevelSource(OPTIONS)
    env, plain = (CoinRunEnv(2, source, levels=LEVELS, threads=threads) for threads in (2, 0))
    with pytest.raises(OrderError, match=r"call reset\(\) first"):
        env.step_async(np.array([4, 4]))
    for each in (env, plain):
        each.reset(seed=0)
    with pytest.raises(OrderError, match="no step is under way"):
        env.step_wait()
    snapshot = env.snapshot()
    right = np.array([7, 7])
    env.step_async(right)
    calls = [lambda: env.step_async(right), env.states, env.snapshot, lambda: env.restore(snapshot)]
    for call in calls:
        with pytest.raises(OrderError, match=r"a step is under way; call step_wait\(\) first"):
            call()
    waited, stepped = env.step_wait(), plain.step(right)
    for one, other in zip(waited[:4], stepped[:4], strict=True):
        np.testing.assert_array_equal(one, other)
    env.step_async(right)
    np.testing.assert_array_equal(env.reset(seed=3)[0], plain.reset(seed=3)[0])  # what was begun is let go
    with pytest.raises(OrderError, match="no step is under way"):
        env.step_wait()
    for each in (env, plain):
        each.close()
    source.close()


class Moody:
    """A placement that refuses when told to."""

    refusing = False

    def __call__(self, state: GameState, rng: np.random.Generator) -> GameState:
        if self.refusing:
            raise StateError("no room")
        return state


def test_after_a_placement_refuses_the_environment_wants_a_reset() -> None:
    mood = Moody()
    source = LevelSource(OPTIONS, placement=mood)
    env = CoinRunEnv(2, source, levels=LEVELS, prefetch=0)
    last = edits.with_clock(level("#A..C#\n######", options=OPTIONS), elapsed=999)
    for cause in ("step", "reset"):
        env.reset(seed=0, options={"starts": {0: last}})
        mood.refusing = True
        with pytest.raises(StateError, match="no room"):
            env.step(np.array([4, 4])) if cause == "step" else env.reset()
        for call in (lambda: env.step(np.array([4, 4])), env.snapshot):
            with pytest.raises(OrderError, match=r"call reset\(\) first"):
                call()
        mood.refusing = False
    ours = env.reset(seed=3)[0]
    fresh = CoinRunEnv(2, source, levels=LEVELS)
    assert (ours == fresh.reset(seed=3)[0]).all()
    env.close()
    fresh.close()
    source.close()


def test_an_episode_can_start_from_a_start_a_state_or_a_level() -> None:
    source = LevelSource(OPTIONS)
    env = CoinRunEnv(3, source, levels=LEVELS)
    start = source.start(7)
    frames, infos = env.reset(options={"starts": {0: start, 1: start.state, 2: np.int64(7)}})
    assert infos["level_seed"].tolist() == [7, 7, 7]
    assert (frames == frames[0]).all()
    assert env.snapshot().levels == ((7, start.end_x),) * 3
    bad: list[Any] = ["7", 7.0, None, True, start.state.to_bytes(), Start("x", 1, 2)]
    for given in bad:
        with pytest.raises(SettingError, match="allowed are a Start, a GameState, a level seed"):
            env.reset(options={"starts": {0: given}})
    with pytest.raises(SettingError, match="expected a mapping"):
        env.reset(options={"starts": [start]})
    env.step(np.array([4, 4, 4]))  # what was refused has changed nothing
    env.close()
    source.close()


# ------------------------------------------------------------------------------------------------ states


def test_a_state_cannot_be_made_writable(state: GameState) -> None:
    for other in (state, state.replace(cur_time=3), copy.deepcopy(state), pickle.loads(pickle.dumps(state))):
        for array in (other.grid, other.entities, other.scalars, other.entities["x"]):
            with pytest.raises(ValueError, match="WRITEABLE"):
                array.setflags(write=True)
    assert copy.deepcopy(state) == state


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.replace(grid=s.grid + 0.5),
        lambda s: s.replace(grid=s.grid.astype("i8") + 2**32),
        lambda s: s.replace(grid=s.grid == 1),
        lambda s: s.replace(grid=[[1, 2], [3]]),
        lambda s: s.replace(entities=np.zeros(3)),
        lambda s: s.replace(entities=s.entities[:0]),
        lambda s: s.replace(rngs={"level_rng": b"x"}),
        lambda s: s.replace(rngs={"asset_rng": None}),
        lambda s: s.replace(rngs={"grid": s.level_rng}),
        lambda s: s.replace(cur_time=float("nan")),
        lambda s: s.replace(cur_time=float("inf")),
        lambda s: s.replace(cur_time="3"),
        lambda s: s.replace(visibility=1e300),
        lambda s: s.replace(visibility=10**400),
        lambda s: s.replace(visibility=None),
        lambda s: RngState(1, None),
        lambda s: RngState(1.0, b""),
        lambda s: edits.with_looks(s, agent_theme=2**40),
        lambda s: edits.with_looks(s, enemy_theme=1.5),
        lambda s: edits.with_looks(s, background=float("nan")),
        lambda s: edits.with_clock(s, elapsed=float("inf")),
    ],
)
def test_nothing_is_rounded_or_wrapped_or_taken_on_trust(state: GameState, change: Any) -> None:
    with pytest.raises(StateError):
        change(state)


def test_whole_numbers_of_any_width_are_taken(state: GameState) -> None:
    for kind in ("i8", "i2", ">i4"):
        assert state.replace(grid=state.grid.astype(kind), cur_time=np.int64(state["cur_time"])) == state


# ------------------------------------------------------------------------------------------------ edits


@pytest.mark.parametrize(
    "edit",
    [
        lambda s: edits.move_coin(s, (5.5, 1.0)),
        lambda s: edits.move_coin(s, 5),
        lambda s: edits.add_decoy(s, (5.5, 2)),
        lambda s: edits.remove_coin(s, (5.5, 2)),
        lambda s: edits.move_agent(s, (4.5, 1)),
        lambda s: edits.put_agent(s, float("nan"), 2),
        lambda s: edits.put_agent(s, float("inf"), 2),
        lambda s: edits.put_agent(s, 3, 3, vx=float("nan")),
        lambda s: edits.put_agent(s, "3", 3),
        lambda s: edits.move_end(s, 11.5),
        lambda s: edits.add_saw(s, (3.0, 2)),
        lambda s: edits.add_crate(s, None),
        lambda s: edits.add_crate(s, (3, 2), theme=1.5),
        lambda s: edits.add_enemy(s, (3, 2, 1)),
        lambda s: edits.add_enemy(s, (3, 2), theme=0.5),
        lambda s: edits.add_lava(s, [(3.5, 1)]),
        lambda s: edits.remove_saws(s, [(5.5, 2)]),
        lambda s: edits.mirrored_action(1.5),
    ],
)
def test_places_that_are_no_places(state: GameState, edit: Any) -> None:
    with pytest.raises(EditError, match=r"whole number|finite number"):
        edit(state)


def test_cells_may_come_as_any_pair_of_whole_numbers(state: GameState) -> None:
    expected = edits.move_coin(state, (3, 3))
    assert edits.move_coin(state, [3, 3]) == edits.move_coin(state, np.array([3, 3])) == expected


def test_things_do_not_go_into_things(state: GameState) -> None:
    (saw,) = (hazard.cell for hazard in geometry.hazards(state))
    x, y = geometry.agent_cell(state)
    with pytest.raises(EditError, match="a saw is there"):
        edits.add_lava(state, [saw])
    with pytest.raises(EditError, match="a crate is there"):
        edits.add_lava(state, [(8, y)])
    with pytest.raises(EditError, match="a saw is there"):
        edits.add_enemy(state, saw)
    with pytest.raises(EditError, match="the agent stands on that cell"):
        edits.add_lava(state, [(x, y - 1)])
    jumping = edits.put_agent(state, x + 0.5, y + 3, vy=0.1)
    assert geometry.lava(edits.add_lava(jumping, [(x, y - 1)]))[y - 1, x]


@pytest.mark.parametrize("resolution", [0, -5, float("nan")])
def test_frames_without_pixels(state: GameState, resolution: Any) -> None:
    camera = Camera.of(state)
    for call in (camera.pixel, camera.world):
        with pytest.raises(SettingError, match=r"resolution: .* at least 1"):
            call(1.0, 1.0, resolution=resolution)
