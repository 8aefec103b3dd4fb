"""Rollouts are what the game and the policy say, in one group of games or in several that take turns."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from mechinterp.coinrun.env import CoinRunEnv
from mechinterp.coinrun.levels import LevelSource
from mechinterp.policies import build
from mechinterp.policies.levels import LEVELS
from mechinterp.training import Games, TrainingError
from mechinterp.training.collecting import Collector, Rollout
from mechinterp.training.shards import ShardedNetwork
from tests.training.toys import TINY, toy

STEPS = 40
GROUPINGS = pytest.mark.parametrize(("sizes", "threads"), [((4,), 0), ((2, 2), 0), ((1, 3), 2)])


@pytest.fixture(scope="module")
def source() -> Iterator[LevelSource]:
    made = toy().source()
    yield made
    made.close()


@pytest.fixture(scope="module")
def network() -> Iterator[ShardedNetwork]:
    made = ShardedNetwork(build(TINY, seed=0), torch.device("cpu"), threads=1)
    yield made
    made.close()


def games(source: LevelSource, sizes: tuple[int, ...], threads: int) -> Games:
    return Games([CoinRunEnv(size, source, levels=LEVELS["training"], threads=threads) for size in sizes])


def collector(network: ShardedNetwork, these: Games, *, seed: int = 0) -> Collector:
    return Collector(network, these, actions=network.policy.actions, seed=seed)


def same(one: Rollout, other: Rollout) -> bool:
    tensors = ("obs", "actions", "log_probs", "values", "last_value")
    arrays = ("rewards", "ended")
    return (
        all(torch.equal(getattr(one, name), getattr(other, name)) for name in tensors)
        and all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays)
        and one.episodes == other.episodes
    )


@GROUPINGS
def test_a_rollout_is_what_the_game_and_the_policy_say(
    source: LevelSource, network: ShardedNetwork, sizes: tuple[int, ...], threads: int
) -> None:
    these = games(source, sizes, threads)
    rollout = collector(network, these).collect(STEPS)
    these.close()
    replays = games(source, sizes, 0)
    actions = np.array(network.policy.actions)
    endings = 0
    for env, obs, rows in zip(replays.groups, replays.reset(0), replays.rows, strict=True):
        for t in range(STEPS):
            np.testing.assert_array_equal(rollout.obs[t, rows].numpy(), obs)
            with torch.no_grad():
                logits, value, _ = network.policy(rollout.obs[t, rows])
            log_p = logits - logits.exp().sum(-1, keepdim=True).log()
            torch.testing.assert_close(rollout.values[t, rows], value, rtol=0, atol=1e-6)
            columns = rollout.actions[t, rows]
            taken = log_p[torch.arange(len(columns)), columns]
            torch.testing.assert_close(rollout.log_probs[t, rows], taken, rtol=0, atol=1e-5)
            obs, reward, terminated, truncated, infos = env.step(actions[columns.numpy()])
            np.testing.assert_array_equal(rollout.ended[t, rows], (terminated | truncated).astype(np.float32))
            np.testing.assert_array_equal(rollout.rewards[t, rows], reward)
            endings += int(infos["_ended"].sum()) if "_ended" in infos else 0
        with torch.no_grad():
            value = network.policy(torch.from_numpy(obs)).value
        torch.testing.assert_close(rollout.last_value[rows], value, rtol=0, atol=1e-6)
    assert endings > 0, "episodes must end within the rollout for this to test anything"
    assert len(rollout.episodes) == endings
    assert sum(episode.length for episode in rollout.episodes) <= 4 * STEPS
    replays.close()


def test_groups_draw_levels_of_their_own(source: LevelSource) -> None:
    these = games(source, (2, 2), 0)
    first, second = these.reset(0)
    alone = games(source, (2,), 0)
    np.testing.assert_array_equal(first, alone.reset(0)[0])
    assert not np.array_equal(first, second)
    these.close()
    alone.close()


@GROUPINGS
def test_stopped_and_restored_it_goes_on_to_the_last_bit(
    source: LevelSource, network: ShardedNetwork, sizes: tuple[int, ...], threads: int
) -> None:
    straight = collector(network, games(source, sizes, threads))
    straight.collect(11)
    buffer = io.BytesIO()
    torch.save(straight.state_dict(), buffer)
    buffer.seek(0)
    restored = collector(network, games(source, sizes, threads), seed=99)  # nothing of its own seed may be left
    restored.load_state_dict(torch.load(buffer, weights_only=True))
    assert same(restored.collect(15), straight.collect(15))
    for each in (straight, restored):
        each.games.close()


def test_a_state_of_another_grouping_is_refused(source: LevelSource, network: ShardedNetwork) -> None:
    two, one = (collector(network, games(source, sizes, 0)) for sizes in ((2, 2), (4,)))
    with pytest.raises(TrainingError, match="saved in 2 groups, these are in 1"):
        one.load_state_dict(two.state_dict())
    for each in (two, one):
        each.games.close()


def test_no_games_are_refused() -> None:
    with pytest.raises(TrainingError, match="at least one environment"):
        Games([])
