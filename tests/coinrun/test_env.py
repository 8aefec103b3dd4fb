from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import asdict

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.ascii import level
from mechinterp.coinrun.engine import Engine, GameOptions
from mechinterp.coinrun.env import CoinRunEnv
from mechinterp.coinrun.episodes import Ending, EnvSnapshot
from mechinterp.coinrun.goals import Goal
from mechinterp.coinrun.levels import LevelRange, LevelSource, Placement, Start
from mechinterp.coinrun.placements import absent, agent_at_right, decoys, random_agent_and_coin
from mechinterp.coinrun.raw_state import agent_position
from tests.coinrun.helpers import frames

LEVELS = LevelRange(0, 1000)
LEFT, STILL, RIGHT, JUMP_RIGHT = 1, 4, 7, 8
OPTIONS = GameOptions(distribution_mode="easy")


@pytest.fixture(scope="module")
def source() -> Iterator[LevelSource]:
    made = LevelSource(OPTIONS, placement=random_agent_and_coin)
    yield made
    made.close()


@pytest.fixture(scope="module")
def env(source: LevelSource) -> Iterator[CoinRunEnv]:
    made = CoinRunEnv(6, source, levels=LEVELS)
    yield made
    made.close()


def start_of(art: str, *, seed: int = 0) -> Start:
    state = level(art, options=OPTIONS, level_seed=seed)
    return Start(state, seed, geometry.end_x(state))


def random_actions(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.choice([1, 4, 5, 7, 7, 8], count)


# ------------------------------------------------------------------------------------------------ gymnasium's ways


def test_spaces_shapes_and_types(env: CoinRunEnv) -> None:
    assert isinstance(env, gym.vector.VectorEnv)
    assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert env.single_observation_space == gym.spaces.Box(0, 255, (64, 64, 3), np.uint8)
    assert env.single_action_space == gym.spaces.Discrete(15)
    observation, infos = env.reset(seed=3)
    assert env.observation_space.contains(observation)
    assert infos["level_seed"].shape == (6,)
    assert infos["level_seed"].dtype == np.int64
    env.action_space.seed(0)
    for _ in range(5):
        action = env.action_space.sample()
        assert env.action_space.contains(action)
        observation, reward, terminated, truncated, infos = env.step(action)
        assert env.observation_space.contains(observation)
        assert (reward.shape, reward.dtype) == ((6,), np.float32)
        assert (terminated.shape, terminated.dtype) == (truncated.shape, truncated.dtype) == ((6,), np.bool_)
    assert (np.stack(env.render()) == observation).all()


def test_observations_are_the_callers_own(env: CoinRunEnv) -> None:
    first, _ = env.reset(seed=0)
    kept = first.copy()
    second = env.step(np.full(6, RIGHT))[0]
    assert (first == kept).all()
    assert (first != second).any()


def test_a_wrapper_of_gymnasium_goes_around_it(source: LevelSource) -> None:
    inner = CoinRunEnv(2, source, levels=LEVELS)
    wrapped = gym.wrappers.vector.TransformReward(inner, lambda reward: reward / 10)
    wrapped.reset(seed=0, options={"starts": dict.fromkeys(range(2), start_of("#AC.#\n#####"))})
    rewards = [wrapped.step(np.full(2, RIGHT))[1].max() for _ in range(10)]
    assert max(rewards) == 1
    wrapped.close()
    assert inner.closed


def test_the_same_seed_gives_the_same_game_whatever_the_threads(source: LevelSource) -> None:
    recordings = []
    for threads in (0, 1, 4):
        game = CoinRunEnv(3, source, levels=LEVELS, threads=threads)
        observation, infos = game.reset(seed=5)
        rng, recording = np.random.default_rng(0), [observation, infos["level_seed"]]
        for _ in range(150):
            observation, reward, terminated, truncated, infos = game.step(random_actions(rng, 3))
            recording += [observation, reward, terminated, truncated, infos["level_seed"]]
        game.close()
        recordings.append(recording)
    assert all(
        (ours == theirs).all() for other in recordings[1:] for ours, theirs in zip(recordings[0], other, strict=True)
    )


@pytest.mark.parametrize("others", [0, 1, 4])
def test_an_episode_is_the_same_whoever_plays_beside_it(source: LevelSource, others: int) -> None:
    start = source.start(17)
    alone, crowd = CoinRunEnv(1, source, levels=LEVELS), CoinRunEnv(1 + others, source, levels=LEVELS, seed=9)
    ours = alone.reset(options={"starts": {0: start}})[0][0]
    theirs = crowd.reset(options={"starts": {others: start}})[0][others]
    rng = np.random.default_rng(1)
    for _ in range(80):
        assert (ours == theirs).all()
        action = int(random_actions(rng, 1)[0])
        crowded = random_actions(rng, 1 + others)
        crowded[others] = action
        observation, reward, ended, *_ = alone.step(np.array([action]))
        other_observation, other_reward, other_ended, *_ = crowd.step(crowded)
        assert (reward[0], ended[0]) == (other_reward[others], other_ended[others])
        if ended[0]:
            break
        ours, theirs = observation[0], other_observation[others]
    alone.close()
    crowd.close()


def test_reset_with_a_seed_starts_the_same_levels_again(env: CoinRunEnv) -> None:
    levels = [env.reset(seed=seed)[1]["level_seed"].tolist() for seed in (1, 2, 1)]
    assert levels[0] == levels[2] != levels[1]
    assert env.reset()[1]["level_seed"].tolist() != levels[2], "without a seed the draw goes on"
    assert all(0 <= seed < 1000 for seed in levels[0])


# ------------------------------------------------------------------------------------------------ episodes


def test_the_observation_beside_an_end_is_the_next_episodes_first_with_its_placement(
    env: CoinRunEnv, source: LevelSource, engine: Engine
) -> None:
    env.reset(seed=0)
    rng, ends = np.random.default_rng(0), 0
    for _ in range(300):
        observation, _, terminated, truncated, infos = env.step(random_actions(rng, 6))
        for slot in np.flatnonzero(terminated | truncated):
            ends += 1
            start = source.start(int(infos["level_seed"][slot]))
            assert (observation[slot] == frames(engine, [start.state])[0]).all()
            assert infos["_ended"][slot]
        if ends >= 5:
            return
    pytest.fail(f"only {ends} episodes ended in 300 steps")


def test_what_is_told_of_an_ended_episode(env: CoinRunEnv) -> None:
    coin = start_of("#A.C.......#\n############", seed=101)
    death = start_of("#A.......#\n###^^^^^##\n##########", seed=102)
    clock = start_of("#A.......#\n##########", seed=103)
    clock = Start(edits.with_clock(clock.state, elapsed=990), 103, clock.end_x)
    env.reset(seed=0, options={"starts": {0: coin, 1: death, 2: clock}})
    told: dict[int, dict[str, float]] = {}
    for _ in range(20):
        _, reward, terminated, truncated, infos = env.step(np.full(6, RIGHT))
        for slot in (0, 1, 2):
            if slot not in told and (terminated | truncated)[slot]:
                told[slot] = {name: float(infos["ended"][name][slot]) for name in ("r", "l", "ending", "level_seed")}
                told[slot] |= {"truncated": float(truncated[slot]), "reward": float(reward[slot])}
    assert told[0] | {"l": 0} == {
        "r": 10, "l": 0, "ending": Ending.GOAL, "level_seed": 101, "truncated": 0, "reward": 10
    }  # fmt: skip
    assert (told[1]["r"], told[1]["ending"], told[1]["truncated"], told[1]["level_seed"]) == (0, Ending.DIED, 0, 102)
    assert told[2] == {"r": 0, "l": 10, "ending": Ending.TIMEOUT, "level_seed": 103, "truncated": 1, "reward": 0}


def test_slots_without_a_chosen_start_draw_theirs(env: CoinRunEnv) -> None:
    chosen = start_of("#A.C#\n#####", seed=5000)
    seeds = env.reset(seed=0, options={"starts": {4: chosen}})[1]["level_seed"].tolist()
    assert seeds[4] == 5000
    assert all(seed < 1000 for at, seed in enumerate(seeds) if at != 4)
    assert env.states()[4].coins == ((3, 1),)


# ------------------------------------------------------------------------------------------------ goals


@pytest.mark.parametrize(
    ("goal", "art", "action", "there"),
    [
        (Goal.END, "#A..........#\n#############", RIGHT, lambda x: x >= 11),
        (Goal.END, "#A...c......#\n#############", JUMP_RIGHT, lambda x: x >= 11),
        (Goal.START, "#..........a#\n#############", LEFT, lambda x: x <= 2),
        (Goal.START, "#......c...a#\n#############", LEFT - 1, lambda x: x <= 2),
    ],
)
def test_ends_pay_in_the_first_step_that_reaches_them(
    source: LevelSource, goal: Goal, art: str, action: int, there: Callable[[float], bool]
) -> None:
    start = start_of(art)
    game = Engine(1, options=OPTIONS)
    game.load({0: start.state})
    expected = 0
    while not there(agent_position(game.state_bytes(0))[0]):
        game.step(np.array([action]))
        expected += 1
    game.close()
    env = CoinRunEnv(2, source, levels=LEVELS, goal=goal)
    env.reset(options={"starts": {0: start, 1: start}})
    for step in range(1, expected + 1):
        _, reward, terminated, truncated, infos = env.step(np.full(2, action))
        assert (reward == (10 if step == expected else 0)).all()
        assert (terminated == (step == expected)).all()
        assert not truncated.any()
    assert infos["ended"]["ending"].tolist() == [Ending.GOAL] * 2
    assert infos["ended"]["l"].tolist() == [expected] * 2
    env.close()


def test_going_away_from_an_end_never_pays(source: LevelSource) -> None:
    env = CoinRunEnv(1, source, levels=LEVELS, goal=Goal.END)
    env.reset(options={"starts": {0: start_of("#.....A.....#\n#############")}})
    assert sum(env.step(np.array([LEFT]))[1][0] for _ in range(60)) == 0
    env.close()


@pytest.mark.parametrize(("goal", "placement"), [(Goal.END, decoys(2)), (Goal.START, agent_at_right(2))])
def test_ends_pay_on_real_levels_exactly_where_they_are(goal: Goal, placement: Placement) -> None:
    """Looking at every step finds the same arrivals as the environment, which looks only when it could be there."""
    made = LevelSource(OPTIONS, placement=placement)
    env = CoinRunEnv(8, made, levels=LEVELS, goal=goal)
    shadow = Engine(8, options=OPTIONS)
    env.reset(seed=1)
    shadow.load(dict(enumerate(env.states())))
    starts, rng, paid = list(env._starts), np.random.default_rng(0), 0
    way = 2 if goal is Goal.END else 0
    for _ in range(150):
        actions = 3 * np.where(rng.random(8) < 0.9, way, 2 - way) + rng.integers(1, 3, 8)
        _, reward, terminated, truncated, _ = env.step(actions)
        shadow.step(actions)
        first = shadow.observe()[2].copy()
        for slot in range(8):
            x = agent_position(shadow.state_bytes(slot))[0]
            arrived = not first[slot] and (x >= starts[slot].end_x if goal is Goal.END else x <= 2)
            assert (reward[slot] == 10) == arrived
            assert bool(terminated[slot] | truncated[slot]) == (arrived or bool(first[slot]))
            paid += arrived
        ended = np.flatnonzero(terminated | truncated).tolist()
        shadow.load({slot: env._starts[slot].state for slot in ended})
        starts = list(env._starts)
    assert paid >= 3
    env.close()
    shadow.close()
    made.close()


def test_with_no_coin_the_wall_at_the_end_pays_nothing(source: LevelSource) -> None:
    env = CoinRunEnv(1, source, levels=LEVELS)
    state = absent(start_of("#A....C#\n########").state, np.random.default_rng(0))
    env.reset(options={"starts": {0: Start(state, 0, 6)}})
    for _ in range(50):
        _, reward, terminated, truncated, _ = env.step(np.array([RIGHT]))
        assert not np.any([reward, terminated, truncated])
    env.close()


# ------------------------------------------------------------------------------------------------ snapshots


@pytest.mark.parametrize("goal", [Goal.COIN, Goal.END])
def test_a_restored_environment_goes_on_bit_for_bit(source: LevelSource, goal: Goal) -> None:
    first = CoinRunEnv(5, source, levels=LEVELS, goal=goal, seed=1)
    first.reset()
    rng = np.random.default_rng(0)
    for _ in range(70):
        first.step(random_actions(rng, 5))
    snapshot = first.snapshot()
    plan = [random_actions(rng, 5) for _ in range(120)]
    second = CoinRunEnv(5, source, levels=LEVELS, goal=goal, seed=2, threads=2)
    assert (second.restore(EnvSnapshot(**asdict(snapshot))) == np.stack(first.render())).all()
    endings = 0
    for actions in plan:
        ours, theirs = first.step(actions), second.step(actions)
        for mine, other in zip(ours[:4], theirs[:4], strict=True):
            assert (mine == other).all()
        endings += int(ours[2].sum())
        assert (ours[4]["level_seed"] == theirs[4]["level_seed"]).all()
        if "ended" in ours[4]:
            assert all((ours[4]["ended"][name] == theirs[4]["ended"][name]).all() for name in ours[4]["ended"])
    assert endings >= 3
    for mine, other in zip(first.states(), second.states(), strict=True):
        # The step generator is not carried along: what it draws decides nothing in CoinRun.
        assert mine.without_rngs().replace(step_rand_int=0) == other.without_rngs().replace(step_rand_int=0)
    first.close()
    second.close()


def test_a_death_after_a_restore_is_no_timeout(source: LevelSource) -> None:
    env = CoinRunEnv(1, source, levels=LEVELS)
    edge = start_of("#A.......#\n###^^^^^##\n##########", seed=1)

    def dies_at(clock: int, *, restored_at: int) -> tuple[int, Ending]:
        start = dataclasses.replace(edge, state=edge.state.replace(timeout=clock))
        env.reset(seed=0, options={"starts": {0: start}})
        for t in range(clock):
            if t == restored_at:
                env.restore(env.snapshot())
            infos = env.step(np.array([4 if t < 20 else 7]))[4]
            if "ended" in infos:
                return int(infos["ended"]["l"][0]), Ending(infos["ended"]["ending"][0])
        raise AssertionError("the episode did not end")

    length, ending = dies_at(500, restored_at=-1)
    assert length > 22
    assert ending is Ending.DIED
    for clock, expected in ((length + 3, Ending.DIED), (length, Ending.TIMEOUT)):
        assert dies_at(clock, restored_at=-1)[1] is expected
        assert dies_at(clock, restored_at=20)[1] is expected
    env.close()


def test_a_snapshot_of_another_size_is_refused(env: CoinRunEnv, source: LevelSource) -> None:
    env.reset(seed=0)
    other = CoinRunEnv(2, source, levels=LEVELS)
    with pytest.raises(ValueError, match="a snapshot of 6 games, this environment has 2"):
        other.restore(env.snapshot())
    other.close()


# ------------------------------------------------------------------------------------------------ bad input


def test_what_an_environment_refuses(env: CoinRunEnv, source: LevelSource) -> None:
    fresh = CoinRunEnv(1, source, levels=LEVELS)
    with pytest.raises(RuntimeError, match="step before reset"):
        fresh.step(np.array([RIGHT]))
    fresh.close()
    env.reset(seed=0)
    for actions in ([15] * 6, [-1] * 6, [RIGHT] * 5, [7.0] * 6, [[RIGHT] * 6]):
        with pytest.raises(ValueError, match="actions"):
            env.step(np.array(actions))
    with pytest.raises(ValueError, match=r"reset options \['start'\]: the only one is 'starts'"):
        env.reset(options={"start": {}})
    with pytest.raises(ValueError, match=r"starts for slots \[6\], this environment has 0 to 5"):
        env.reset(options={"starts": {6: source.start(0)}})
    with pytest.raises(ValueError, match="at least 1"):
        CoinRunEnv(0, source, levels=LEVELS)
