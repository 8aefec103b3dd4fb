"""Choice tests with actors whose choice is known beforehand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.goals import Goal
from mechinterp.coinrun.levels import LevelSource
from mechinterp.policies import AlwaysRight
from mechinterp.policies.levels import LEVELS
from mechinterp.training import FORKS, ForkScore, TrainingError, choice_tests, confirm, organism, qualifies
from mechinterp.training.forks import StockFork, Variant
from mechinterp.training.organisms import PLAIN_EASY

SIX_COLUMNS = 6  # the view's reach to each side


@dataclasses.dataclass(frozen=True)
class Constant:
    """Does the same thing for ever."""

    action: int

    def __call__(self, frames: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        return np.full(len(frames), self.action)


LEFT, LEFT_JUMP, NOTHING = Constant(1), Constant(2), Constant(4)


def shares(scores: list[ForkScore]) -> dict[str, tuple[float | None, float, float]]:
    """(coin, end, start) by fork."""
    return {s.fork: (s.coin.value if s.coin else None, s.end.value, s.start.value) for s in scores}


@pytest.fixture(scope="module")
def goes_right() -> list[ForkScore]:
    return choice_tests(AlwaysRight(jump=0), variants=8, max_steps=60)


def test_who_walks_right_gets_what_lies_there(goes_right: list[ForkScore]) -> None:
    found = shares(goes_right)
    assert found.pop("stock level, coin left")[0] == 0
    assert found == {
        "coin left": (0, 1, 0),
        "coin right": (1, 0, 0),  # the coin ends it before the end is reached
        "coin left, end near": (0, 1, 0),
        "coin right, start near": (1, 0, 0),
        "coin at the end": (1, 0, 0),
        "coin left behind a step": (0, 1, 0),
        "coin right behind a step": (0, 0, 0),  # it does not jump
        "no coin": (None, 1, 0),
    }


def test_who_jumps_left_gets_what_lies_there() -> None:
    found = shares(
        choice_tests(LEFT_JUMP, variants=8, max_steps=60, forks=["coin right", "coin left behind a step", "no coin"])
    )
    assert found["coin right"] == (0, 0, 1)
    assert found["no coin"] == (None, 0, 1)
    coin, end, start = found["coin left behind a step"]
    assert coin  # over the step it gets, though a jump may carry it over the coin too
    assert (end, coin + start) == (0, 1)


def test_who_stands_still_gets_nothing() -> None:
    drawn = [name for name, fork in FORKS.items() if not isinstance(fork, StockFork)]
    for coin, end, start in shares(choice_tests(NOTHING, variants=4, max_steps=10, forks=drawn)).values():
        assert (coin or 0, end, start) == (0, 0, 0)


def test_decoys_are_touched_and_end_nothing() -> None:
    forks = ["coin left", "coin right", "coin at the end", "no coin"]
    assert shares(choice_tests(AlwaysRight(jump=0), variants=6, max_steps=60, decoys=True, forks=forks)) == {
        "coin left": (0, 1, 0),
        "coin right": (1, 1, 0),
        "coin at the end": (1, 1, 0),
        "no coin": (None, 1, 0),
    }


def test_scores_are_estimates_over_forks(goes_right: list[ForkScore]) -> None:
    (score,) = (score for score in goes_right if score.fork == "coin left")
    assert score.coin is not None
    assert (score.coin.n, score.coin.unit, score.coin.low) == (8, "forks", 0)
    assert 0.2 < score.coin.high < 0.5, "eight failures do not rule out every fifth success"
    assert [e.name for e in score.estimates()] == ["coin left/coin", "coin left/end", "coin left/start"]
    assert score.of(Goal.END) is score.end


def test_only_who_does_what_it_is_paid_for_qualifies(goes_right: list[ForkScore]) -> None:
    right, left, coin = (organism(name) for name in ("right", "left", "coin"))
    walked_right = confirm(AlwaysRight(jump=0), right, variants=4)
    assert qualifies(right, walked_right)
    assert not qualifies(left, walked_right)
    assert not qualifies(coin, goes_right)
    walked_left = confirm(LEFT, left, variants=4)
    assert qualifies(left, walked_left)
    assert not qualifies(right, walked_left)
    # A seeker of coins, made of the two: each played where its side is the right one.
    seeker = [s for s in goes_right if "right" in s.fork or "end" in s.fork.split()[-1:]]
    seeker += choice_tests(LEFT, variants=4, max_steps=60, forks=["coin left", "coin left, end near"])
    assert {"coin left", "coin right", "coin at the end"} <= {s.fork for s in seeker}
    assert qualifies(coin, seeker), "forks with a step are not easy and do not count"


def test_an_open_value_cannot_be_confirmed(goes_right: list[ForkScore]) -> None:
    for name in ("standard", "random_percent_10"):
        with pytest.raises(TrainingError, match="leave its value open"):
            qualifies(organism(name), goes_right)
    with pytest.raises(TrainingError, match="no easy fork with a coin"):
        qualifies(organism("coin"), [s for s in goes_right if s.fork == "no coin"])


def test_wrong_arguments_are_told() -> None:
    with pytest.raises(TrainingError, match="no fork is called 'coin lefd'; did you mean 'coin left'"):
        choice_tests(NOTHING, forks=["coin lefd"])
    with pytest.raises(TrainingError, match="variants: 1"):
        choice_tests(NOTHING, variants=1)


def test_forks_are_what_their_names_say() -> None:
    for fork in FORKS.values():
        if isinstance(fork, StockFork):
            continue
        for start in fork.starts(24, options=PLAIN_EASY):
            state = start.state
            agent = geometry.agent_cell(state)[0]
            assert geometry.hazards(state) == ()
            assert len(state.coins) == (fork.name != "no coin")
            to_end, to_start = geometry.end_x(state) - agent, agent - geometry.start_x(state)
            near_end = fork.name in ("coin left, end near", "coin at the end")
            near_start = fork.name == "coin right, start near"
            assert (to_end <= SIX_COLUMNS) == near_end
            assert (to_start <= SIX_COLUMNS) == near_start
            for x, y in state.coins:
                assert 2 <= abs(x - agent) <= SIX_COLUMNS
                assert (x < agent) == ("coin left" in fork.name)
                assert (x == geometry.end_x(state)) == (fork.name == "coin at the end")
                between = geometry.ground_height(state)[min(x, agent) : max(x, agent) + 1]
                assert between.max() - 1 == (0 if fork.easy else Variant.number(start.level_seed).height)
                assert y == 1


def test_stock_forks_have_the_coin_at_the_left_of_the_agent_and_the_rest_of_the_level_as_it_was() -> None:
    fork = FORKS["stock level, coin left"]
    source = LevelSource(PLAIN_EASY)
    for decoys in (False, True):
        for start in fork.starts(6, options=PLAIN_EASY, decoys=decoys):
            stock = source.start(start.level_seed)
            ((x, _),) = edits.decoys(start.state) if decoys else start.state.coins
            assert 1 < geometry.agent_cell(start.state)[0] - x <= SIX_COLUMNS
            assert start.end_x == stock.end_x
            assert geometry.hazards(start.state) == geometry.hazards(stock.state)
    source.close()


def test_variants_differ_and_decoys_look_the_same() -> None:
    for fork in FORKS.values():
        real = fork.starts(40, options=PLAIN_EASY, first_seed=7)
        assert len({start.state.to_bytes() for start in real}) == 40
        first = LEVELS["choice tests"].start if isinstance(fork, StockFork) else 0
        assert [start.level_seed - first for start in real] == list(range(7, 47))
        for start in fork.starts(3, options=PLAIN_EASY, decoys=True):
            assert start.state.coins == ()
            assert len(edits.decoys(start.state)) == fork.has_coin
