"""What is remembered is what the network would say again."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mechinterp.coinrun.engine import GameOptions
from mechinterp.coinrun.levels import LevelSource
from mechinterp.policies import actors, remembering
from mechinterp.policies.actors import PolicyActor
from mechinterp.policies.evaluation import Trial, play
from mechinterp.policies.graph import Policy
from mechinterp.policies.networks import build, light_impala
from mechinterp.policies.remembering import RememberingActor
from mechinterp.policies.rollouts import Episodes, rollout

EASY = GameOptions(distribution_mode="easy", use_backgrounds=False)
LEVELS = range(700_000_000, 700_000_006)


@pytest.fixture
def policy() -> Policy:
    made = build(light_impala(hidden=32), seed=3)
    made.get_parameter("logits.weight").data.mul_(300)  # preferences strong enough to matter
    return made


@pytest.fixture
def forwards(monkeypatch) -> list[int]:
    """Frames that went through the network."""
    sizes: list[int] = []
    run = actors.padded_logits

    def counted(policy, frames):
        sizes.append(len(frames))
        return run(policy, frames)

    monkeypatch.setattr(actors, "padded_logits", counted)
    return sizes


def test_the_same_episodes_under_several_placements_with_fewer_forwards(policy, forwards):
    def episodes(actor: PolicyActor) -> list[Episodes]:
        trials = [Trial.under(rule, max_steps=40) for rule in ("stock", "decoy", "left_of_agent")]
        return [play(actor, LEVELS, trial, options=EASY, seed=4) for trial in trials]

    plain, without = episodes(PolicyActor(policy)), sum(forwards)
    forwards.clear()
    remembered = episodes(RememberingActor(policy))
    for one, other in zip(plain, remembered, strict=True):
        for field in dataclasses.fields(Episodes):
            assert np.array_equal(getattr(one, field.name), getattr(other, field.name)), field.name
    assert 0 < sum(forwards) < 0.7 * without, "a decoy looks like a coin: a third of the episodes is known"


def test_a_picture_that_is_there_twice_is_run_once(policy, forwards):
    frames = np.random.default_rng(0).integers(256, size=(3, 64, 64, 3), dtype=np.uint8)[[0, 1, 0, 2, 1]]
    actor = RememberingActor(policy)
    assert np.array_equal(actor.logits(frames), PolicyActor(policy).logits(frames))
    forwards.clear()
    assert np.array_equal(actor.logits(frames[::-1]), PolicyActor(policy).logits(frames)[::-1])
    assert sum(forwards) == 5, "of the plain actor alone"


def test_hooks_are_neither_remembered_nor_passed_over(policy):
    frames = np.random.default_rng(1).integers(256, size=(2, 64, 64, 3), dtype=np.uint8)
    actor, plain = RememberingActor(policy), PolicyActor(policy)
    for _ in range(2):
        before = actor.logits(frames)
        with policy.hooks_on({"hook_logits": lambda value, hook: value + 1}):
            assert np.allclose(actor.logits(frames), before + 1)
        assert np.array_equal(actor.logits(frames), plain.logits(frames))


def test_memory_is_bounded(policy, monkeypatch):
    monkeypatch.setattr(remembering, "MOST", 5)
    actor = RememberingActor(policy)
    with LevelSource(EASY) as source:
        starts = source.starts(LEVELS)
    remembered = rollout(actor, starts, max_steps=10)
    assert len(actor._known) == 5
    assert np.array_equal(remembered.farthest_x, rollout(PolicyActor(policy), starts, max_steps=10).farthest_x)
