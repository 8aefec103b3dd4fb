"""Reward scaling against gymnasium's running moments, and against the variance of all returns at once."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium.wrappers.utils import RunningMeanStd

from mechinterp.training.normaliser import MAX_REWARD, ReturnNormaliser


def stream(steps: int, envs: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    ended = (rng.random((steps, envs)) < 0.05).astype(np.float32)
    return (10 * ended * (rng.random((steps, envs)) < 0.6)).astype(np.float32), ended


def test_scaled_rewards_are_those_of_gymnasiums_moments() -> None:
    rewards, ended = stream(300, 8)
    ours, theirs, returns = ReturnNormaliser(8, 0.99), RunningMeanStd(), np.zeros(8)
    for reward, end in zip(rewards, ended, strict=True):
        returns = returns * 0.99 + reward
        theirs.update(returns)
        expected = np.clip(reward / np.sqrt(theirs.var + 1e-8), -10, 10)
        np.testing.assert_allclose(ours(reward, end), expected, rtol=1e-6)
        returns[end > 0] = 0


def test_the_spread_is_that_of_all_discounted_returns_seen() -> None:
    rewards, ended = stream(2000, 4)
    normaliser, returns, seen = ReturnNormaliser(4, 0.95), np.zeros(4), []
    for reward, end in zip(rewards, ended, strict=True):
        normaliser(reward, end)
        returns = 0.95 * returns + reward
        seen.append(returns.copy())
        returns = np.where(end > 0, 0, returns)
    assert normaliser.variance == pytest.approx(np.var(seen), rel=1e-5)
    assert normaliser.mean == pytest.approx(np.mean(seen), rel=1e-5)


def test_no_reward_stays_none() -> None:
    normaliser = ReturnNormaliser(2, 0.9)
    normaliser(np.array([10, 0], np.float32), np.zeros(2, np.float32))
    assert (normaliser(np.zeros(2, np.float32), np.zeros(2, np.float32)) == 0).all()


def test_a_reward_out_of_all_proportion_is_clipped() -> None:
    normaliser, ended = ReturnNormaliser(64, 0.9), np.ones(64, np.float32)
    for _ in range(1000):
        normaliser(np.full(64, 1e-3, np.float32), ended)
    spikes = np.zeros(64, np.float32)
    spikes[:2] = 1, -1
    assert normaliser(spikes, ended)[:3].tolist() == [MAX_REWARD, -MAX_REWARD, 0]


def test_it_goes_on_from_its_state() -> None:
    rewards, ended = stream(40, 3)
    straight, first = ReturnNormaliser(3, 0.99), ReturnNormaliser(3, 0.99)
    whole = [straight(r, e) for r, e in zip(rewards, ended, strict=True)]
    begun = [first(r, e) for r, e in zip(rewards[:20], ended[:20], strict=True)]
    second = ReturnNormaliser(3, 0.99)
    second.load_state_dict(first.state_dict())
    begun += [second(r, e) for r, e in zip(rewards[20:], ended[20:], strict=True)]
    np.testing.assert_array_equal(whole, begun)
