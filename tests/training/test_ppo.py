"""The trainer: what it collects, that it can be stopped anywhere, and that it learns."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator

import pytest
import torch

from mechinterp.coinrun.ascii import level
from mechinterp.coinrun.env import CoinRunEnv
from mechinterp.coinrun.levels import LevelRange, LevelSource
from mechinterp.policies import build
from mechinterp.policies.levels import LEVELS
from mechinterp.training import PPO, Games, PPOConfig, TrainingError
from mechinterp.training.organisms import PLAIN_EASY
from tests.training.toys import TINY, TOY_PPO, toy


@pytest.fixture(scope="module")
def source() -> Iterator[LevelSource]:
    made = toy().source()
    yield made
    made.close()


def trainer(source: LevelSource, *, seed: int = 0, config: PPOConfig = TOY_PPO) -> PPO:
    games = Games([CoinRunEnv(config.num_envs, source, levels=LEVELS["training"])])
    return PPO(build(TINY, seed=seed), games, config, seed=seed)


def weights(ppo: PPO) -> bytes:
    return b"".join(tensor.contiguous().numpy().tobytes() for tensor in ppo.policy.state_dict().values())


def test_the_same_seed_gives_the_same_policy_and_another_seed_another(source: LevelSource) -> None:
    a, b, c = (trainer(source, seed=seed) for seed in (3, 3, 4))
    for ppo in (a, b, c):
        ppo.update()
    assert weights(a) == weights(b) != weights(c)


def test_stopped_and_restored_is_the_same_to_the_last_bit(source: LevelSource) -> None:
    straight = trainer(source)
    whole = [straight.update() for _ in range(4)]
    first = trainer(source)
    parts = [first.update() for _ in range(2)]
    buffer = io.BytesIO()
    torch.save(first.state_dict(), buffer)
    buffer.seek(0)
    second = trainer(source, seed=99)  # nothing of its own seed may be left
    second.load_state_dict(torch.load(buffer, weights_only=True))
    parts += [second.update() for _ in range(2)]
    assert weights(second) == weights(straight)
    timings = {"steps_per_second", "collect_share"}
    assert [{k: v for k, v in m.items() if k not in timings} for m in parts] == [
        {k: v for k, v in m.items() if k not in timings} for m in whole
    ]


def test_metrics_count_every_episode_that_ended(source: LevelSource) -> None:
    ppo = trainer(source, config=PPOConfig(num_envs=4, rollout_steps=45, epochs=1, minibatches=1))
    metrics = ppo.update()  # the clock is 20 steps: two episodes and a half a game
    assert metrics["episodes"] >= 8
    kinds = ("goal", "died", "timeout")
    assert sum(metrics[f"episodes_{kind}"] for kind in kinds) == metrics["episodes"]
    assert sum(metrics[f"share_{kind}"] for kind in kinds) == pytest.approx(1)
    assert metrics["episode_length"] <= 20
    assert metrics["steps"] == 180


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_envs": 0}, "num_envs: 0"),
        ({"rollout_steps": -1}, "rollout_steps: -1"),
        ({"gamma": -0.1}, "gamma: -0.1"),
        ({"gamma": float("nan")}, "gamma: nan"),
        ({"gae_lambda": 1.5}, "gae_lambda: 1.5, allowed are 0 to 1"),
        ({"epochs": 1.5}, "epochs: 1.5, allowed are whole numbers"),
        ({"num_envs": 3, "rollout_steps": 5, "minibatches": 2}, "2 do not divide the 15 steps"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, float], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        PPOConfig(**changes)  # pyright: ignore[reportArgumentType]


def test_an_environment_of_another_size_is_refused(source: LevelSource) -> None:
    games = Games([CoinRunEnv(2, source, levels=LEVELS["training"])])
    with pytest.raises(TrainingError, match="the configuration says 4, the games are 2"):
        PPO(build(TINY, seed=0), games, TOY_PPO, seed=0)
    games.close()


def test_it_learns_to_walk_to_a_coin_two_cells_away() -> None:
    there = level("#....\n#A.C#\n#####", options=PLAIN_EASY).replace(timeout=24)
    source = LevelSource(PLAIN_EASY, placement=lambda state, rng: there)
    network = dataclasses.replace(TINY, channels=(4, 8), hidden=16, actions=(1, 4, 7))  # left, nothing, right
    config = PPOConfig(
        num_envs=16, rollout_steps=24, epochs=4, minibatches=2, learning_rate=3e-3, gamma=0.9, entropy_bonus=0
    )
    games = Games([CoinRunEnv(16, source, levels=LevelRange(0, 1))])
    ppo = PPO(build(network, seed=0), games, config, seed=0)
    metrics = [ppo.update() for _ in range(6)]
    assert ppo.steps == 2304
    early, late = (m["episodes_goal"] / m["episodes"] for m in (metrics[0], metrics[-1]))
    assert early < 0.6
    assert late > 0.9
    assert metrics[-1]["entropy"] < metrics[0]["entropy"] - 0.2
    games.close()
    source.close()
