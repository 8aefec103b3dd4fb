"""What actors and all other entrances are given: frames that are frames, and chance that is chance."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mechinterp.circuits import patch
from mechinterp.errors import MechinterpError
from mechinterp.features.logit_attribution import decompose_movement
from mechinterp.interventions import Ablate, run_each
from mechinterp.interventions.evaluation import EditedActor
from mechinterp.policies.actors import AlwaysRight, PolicyActor, UniformRandom
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.networks import build, light_impala
from mechinterp.policies.readouts import readout_values

FRAMES = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)
UNIFORM = np.random.default_rng(1).random(20)


@pytest.mark.parametrize(
    "frames",
    [
        FRAMES / 255.0,
        FRAMES.astype(np.float32),
        FRAMES.astype(np.int16),
        FRAMES.astype(np.int8),
        FRAMES > 9,
        np.full(FRAMES.shape, np.nan),
        FRAMES[:, :60, :60],
        np.zeros((20, 84, 84, 3), np.uint8),
        FRAMES.transpose(0, 3, 1, 2),
        FRAMES[..., :1],
        FRAMES[0],
        FRAMES.tolist()[:1],
        None,
    ],
    ids=["0 to 1", "float32", "int16", "int8", "bool", "NaN", "60", "84", "NCHW", "grey", "one", "lists", "None"],
)
def test_what_is_no_frames_is_refused_at_every_entrance(frames):
    """A copy into the right type must not hide it: all of these acted as on black frames, or on others."""
    policy = build(light_impala(hidden=8), seed=0)
    entrances = [
        lambda: PolicyActor(policy)(frames, UNIFORM),
        lambda: EditedActor(policy, [Ablate("block1.hook_pool")])(frames, UNIFORM),
        lambda: UniformRandom()(frames, UNIFORM),
        lambda: AlwaysRight()(frames, UNIFORM),
        lambda: readout_values(policy, frames),
        lambda: policy(frames),
        lambda: policy.capture(frames),
        lambda: policy.activations(frames, "block1.hook_pool"),
        lambda: policy.run_with_cache(frames),
        lambda: run_each(policy, frames, [[Ablate("block1.hook_pool")]]),
        lambda: decompose_movement(policy, frames, np.arange(20), rng=np.random.default_rng(0)),
        lambda: patch(policy, (frames, FRAMES), by="layer"),
    ]
    if isinstance(frames, np.ndarray):
        entrances.append(lambda: policy(torch.from_numpy(frames)))
    for entrance in entrances:
        with pytest.raises(MechinterpError):
            entrance()


def test_views_and_read_only_frames_are_what_they_show():
    policy = build(light_impala(hidden=8), seed=0)
    policy.get_parameter("logits.weight").data.mul_(300)
    expected = PolicyActor(policy)(FRAMES[::-1].copy(), UNIFORM)
    frozen = FRAMES[::-1].copy()
    frozen.setflags(write=False)
    for frames in (FRAMES[::-1], frozen, torch.from_numpy(FRAMES).flip(0), np.asfortranarray(FRAMES[::-1])):
        assert np.array_equal(PolicyActor(policy)(frames, UNIFORM), expected)  # pyright: ignore[reportArgumentType]
    movement = readout_values(policy, FRAMES[::-1], {"movement": "movement"})["movement"]
    assert np.array_equal(movement, readout_values(policy, frozen, {"movement": "movement"})["movement"])
    levels = np.arange(20)
    found = [
        decompose_movement(policy, frames, levels, rng=np.random.default_rng(0)) for frames in (FRAMES[::-1], frozen)
    ]
    assert found[0].mean.value == found[1].mean.value
    assert PolicyActor(policy)(FRAMES[:0], UNIFORM[:0]).shape == (0,)


@pytest.mark.parametrize(
    "uniform",
    [UNIFORM[:1], UNIFORM[0], UNIFORM[:, None], UNIFORM + 1, -UNIFORM, UNIFORM * np.nan, np.zeros(20, int), "x"],
)
def test_there_is_one_number_from_0_to_1_for_each_frame(uniform):
    policy = build(light_impala(hidden=8), seed=0)
    for actor in (PolicyActor(policy), PolicyActor(policy, greedy=True), UniformRandom(), AlwaysRight(0.5)):
        with pytest.raises(PolicyError, match=r"uniform must be one number in \[0, 1\) for each of 20 frames"):
            actor(FRAMES, uniform)


def test_logits_that_are_not_finite_choose_nothing():
    policy = build(light_impala(hidden=8), seed=0)
    policy.get_parameter("block1.conv.weight").data.fill_(3e38)  # finite, but not what comes of it
    for greedy in (True, False):
        with pytest.raises(PolicyError, match=r"no action follows .* activations from block1\.hook_conv on"):
            PolicyActor(policy, greedy)(FRAMES, UNIFORM)
