"""What weighted events pay, against rewards worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
import pytest

from mechinterp.coinrun import geometry
from mechinterp.coinrun.ascii import level
from mechinterp.coinrun.checks import SettingError
from mechinterp.coinrun.engine import GameOptions
from mechinterp.coinrun.env import CoinRunEnv
from mechinterp.coinrun.episodes import Ending, EnvSnapshot
from mechinterp.coinrun.goals import Goal, Payoff, goal_of
from mechinterp.coinrun.levels import LevelRange, LevelSource, Start
from mechinterp.coinrun.placements import coin_or_end

LEVELS = LevelRange(0, 1000)
LEFT, RIGHT = 1, 7
OPTIONS = GameOptions(distribution_mode="easy")
BETWEEN = "#C...A........#\n###############"
LAVA = "#.A..^^^^^^...#\n###############"


@pytest.fixture(scope="module")
def source() -> Iterator[LevelSource]:
    made = LevelSource(OPTIONS, placement=coin_or_end)
    yield made
    made.close()


def start_of(art: str, *, timeout: int = 1000) -> Start:
    state = level(art, options=OPTIONS).replace(timeout=timeout)
    return Start(state, 0, geometry.end_x(state))


def played(source: LevelSource, goal: Goal | Payoff, start: Start, action: int) -> tuple[float, int, float]:
    """Reward of the last step, the ending, and the return, of one episode."""
    env = CoinRunEnv(1, source, levels=LEVELS, goal=goal)
    env.reset(options={"starts": {0: start}})
    for _ in range(200):
        _, reward, terminated, truncated, infos = env.step(np.array([action]))
        if terminated[0] or truncated[0]:
            break
    env.close()
    return float(reward[0]), int(infos["ended"]["ending"][0]), float(infos["ended"]["r"][0])


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_coin_and_end_pay_their_shares_and_end_the_episode(source: LevelSource, share: float) -> None:
    payoff = Payoff(coin=share, end=1 - share)
    assert played(source, payoff, start_of(BETWEEN), LEFT) == (10 * share, Ending.GOAL, 10 * share)
    assert played(source, payoff, start_of(BETWEEN), RIGHT) == (10 * (1 - share), Ending.GOAL, 10 * (1 - share))


def test_dying_costs_what_it_says_and_running_out_of_time_nothing(source: LevelSource) -> None:
    payoff = Payoff(coin=1.0, death=-0.5)
    assert played(source, payoff, start_of(LAVA), RIGHT) == (-5, Ending.DIED, -5)
    assert played(source, payoff, start_of(LAVA, timeout=20), LEFT) == (0, Ending.TIMEOUT, 0)
    assert played(source, payoff, start_of(BETWEEN), LEFT) == (10, Ending.GOAL, 10)


@pytest.mark.parametrize(("near", "paid"), [(3, 0), (4, 10), (5, 10)])
def test_a_coin_that_was_far_at_the_start_pays_nothing(source: LevelSource, near: int, paid: float) -> None:
    """In BETWEEN the coin is four columns away."""
    assert played(source, Payoff(coin=1.0, near=near), start_of(BETWEEN), LEFT) == (paid, Ending.GOAL, paid)


def test_whether_a_coin_pays_survives_a_snapshot(source: LevelSource) -> None:
    payoff = Payoff(coin=1.0, near=3)
    env = CoinRunEnv(1, source, levels=LEVELS, goal=payoff)
    env.reset(options={"starts": {0: start_of(BETWEEN)}})
    for _ in range(5):  # by now the coin is near, but it was not at the start
        env.step(np.array([LEFT]))
    again = CoinRunEnv(1, source, levels=LEVELS, goal=payoff)
    again.restore(EnvSnapshot(**asdict(env.snapshot())))
    for each in (env, again):
        ended = False
        while not ended:
            _, reward, terminated, _, infos = each.step(np.array([LEFT]))
            ended = bool(terminated[0])
        assert (reward[0], infos["ended"]["ending"][0]) == (0, Ending.GOAL)
        each.close()


@pytest.mark.parametrize("goal", Goal)
def test_a_single_goal_is_a_payoff_of_one_event(source: LevelSource, goal: Goal) -> None:
    plain = start_of("#....A........#\n###############")
    action = RIGHT if goal is Goal.END else LEFT
    start = start_of(BETWEEN) if goal is Goal.COIN else plain
    assert played(source, goal, start, action) == played(source, Payoff.of(goal), start, action) == (10, 1, 10)


def test_as_plain_values_and_in_words() -> None:
    payoffs = (Payoff(coin=0.25, end=0.75), Payoff(coin=1.0, near=3), Payoff(coin=1.0, death=-1.0), Payoff(end=1.0))
    for payoff in payoffs:
        assert goal_of(payoff.as_dict()) == payoff
    assert payoffs[0].as_dict() == {"coin": 0.25, "end": 0.75}
    assert payoffs[0].words == "0.25 for the coin; 0.75 for reaching the right end (times 10)"
    assert payoffs[1].words == "1 for the coin, if it begins within 3 cells (times 10)"
    assert payoffs[2].words == "1 for the coin; -1 for dying (times 10)"
    assert [goal_of(goal.value) for goal in Goal] == list(Goal)
    for wrong in ("cion", {"con": 1.0}):
        with pytest.raises(SettingError):
            goal_of(wrong)
    with pytest.raises(SettingError, match=r"end = 2, allowed are shares of the reward from -1 to 1"):
        Payoff(end=2)
    with pytest.raises(SettingError, match="near = -1"):
        Payoff(coin=1.0, near=-1)
