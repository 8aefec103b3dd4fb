"""Steering with the difference of means, against the last layer computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mechinterp.features import FeatureError, steering, steering_effects
from mechinterp.policies import build
from mechinterp.policies.actions import movement_logodds
from mechinterp.policies.readouts import readout_values
from tests.features.conftest import SMALL, loud, painted


def test_steering_the_last_layer_adds_the_difference_of_means_to_its_input():
    policy, frames = loud(), painted(48).clean
    levels = np.arange(48)
    first = levels < 20
    pair = ((frames[first], levels[first]), (frames[~first], levels[~first]))
    hook = "hidden.hook_post"
    (found,) = steering_effects(policy, *pair, rng=np.random.default_rng(0), hooks=hook, random=10)
    h = policy.activations(torch.from_numpy(frames), hook)
    preference = readout_values(policy, frames)["movement"]
    low, high = np.quantile(preference[first], [1 / 3, 2 / 3])
    more, less = (torch.from_numpy(first & side) for side in (preference >= high, preference <= low))
    direction = h[more].mean(0) - h[less].mean(0)
    changes = []
    for sign in (1, -1):
        logits = policy.get_submodule("logits")(h[~torch.from_numpy(first)] + sign * direction)
        changes.append(movement_logodds(logits, policy.actions).numpy() - preference[~first])
    assert found.added.value == pytest.approx(changes[0].mean(), abs=1e-3)
    assert found.subtracted.value == pytest.approx(changes[1].mean(), abs=1e-3)
    assert found.consistent.value == pytest.approx(((changes[0] > 0) & (changes[1] < 0)).mean())
    assert found.added.low > 0 > found.subtracted.high
    assert found.added.null is not None
    seen = np.round(found.added.null.p * 11, 6)  # one side is asked: steps of 1 / 11, and no factor of 2
    assert seen in range(1, 6)
    with pytest.raises(FeatureError, match="must be different levels"):
        steering_effects(policy, pair[0], pair[0], rng=np.random.default_rng(0))


def test_frames_that_give_no_direction_are_refused():
    policy, frames = loud(), painted(12).clean
    levels = np.arange(12)
    held = (frames[6:], levels[6:])
    with pytest.raises(FeatureError, match=r"4 frames whose log-odds differ .* at least 6 frames are needed"):
        steering_effects(policy, (frames[:4], levels[:4]), held, rng=np.random.default_rng(0))
    same = np.repeat(frames[:1], 6, 0)
    with pytest.raises(FeatureError, match="differ by up to 0 nats"):
        steering_effects(policy, (same, levels[:6]), held, rng=np.random.default_rng(0))


def test_random_directions_have_the_norm_of_the_steering_vector(monkeypatch):
    policy, frames = build(SMALL, seed=0).requires_grad_(False), painted(30).clean
    levels, norms = np.arange(30), []
    unspied = steering._steered

    def spied(policy, hook, frames, directions):
        norms.append([float(one.norm()) for one in directions])
        return unspied(policy, hook, frames, directions)

    monkeypatch.setattr(steering, "_steered", spied)
    parts = ((frames[:12], levels[:12]), (frames[12:], levels[12:]))
    steering_effects(policy, *parts, rng=np.random.default_rng(0), hooks="hidden.hook_post", random=5)
    own, random = norms
    assert own[0] == own[1] > 0
    assert random == pytest.approx([own[0]] * 10, rel=1e-5)


def test_a_single_number_has_no_direction_to_steer_along():
    policy, frames, levels = loud(), painted(24).clean, np.arange(24)
    parts, rng = ((frames[:12], levels[:12]), (frames[12:], levels[12:])), np.random.default_rng(0)
    found = steering_effects(policy, *parts, rng=rng, hooks=["hidden.hook_post", "hook_value"], random=2)
    assert [one.hook for one in found] == ["hidden.hook_post"]
    with pytest.raises(FeatureError, match="hook_value is a single number"):
        steering_effects(policy, *parts, rng=rng, hooks="hook_value", random=2)
