"""Attributions against sums, finite changes and a linear network's weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mechinterp.features import FeatureError, attribute_inputs
from mechinterp.policies import UnknownHook, build
from mechinterp.policies.actions import movement_logodds
from tests.features.conftest import SMALL, painted


@pytest.fixture(scope="module")
def network():
    policy = build(SMALL, seed=3)
    with torch.no_grad():
        for head in (policy.logits, policy.value):
            head.weight *= 100  # at first the policy is nearly uniform
    return policy


@pytest.fixture(scope="module")
def scenes():
    return painted(3)


def movement(network, frames):
    with torch.no_grad():
        return movement_logodds(network(torch.from_numpy(frames)).logits.double(), network.actions).numpy()


@pytest.mark.parametrize(
    ("method", "hook"),
    [
        ("integrated gradients", "hook_input"),
        ("integrated gradients", "block2.res1.hook_out"),
        ("integrated gradients", "block2.res1.hook_branch"),
        ("conductance", "block1.hook_pool"),
    ],
)
def test_what_should_add_up_adds_up(network, scenes, method, hook):
    found = attribute_inputs(network, scenes.clean, method=method, hook=hook, baseline="black")
    if hook.endswith("branch"):  # a path round it remains: only the branch itself is taken away
        assert found.change is not None
    else:
        whole = movement(network, scenes.clean) - movement(network, np.zeros_like(scenes.clean))
        assert found.change == pytest.approx(whole, abs=1e-4)
    assert found.values.shape == (3, *network.shapes[hook])
    assert found.values.reshape(3, -1).sum(1) == pytest.approx(found.change, rel=0.03, abs=0.03)
    assert np.abs(found.convergence_delta).max() < 0.05 * np.abs(found.change).max()
    assert found.by_channel().sum(1) == pytest.approx(found.values.reshape(3, -1).sum(1), abs=1e-4)


def test_no_hook_and_no_gradient_is_left_behind(network, scenes):
    before = movement(network, scenes.clean)
    attribute_inputs(network, scenes.clean, method="conductance", hook="hidden.hook_post", steps=8, tolerance=9)
    assert (movement(network, scenes.clean) == before).all()
    assert all(not module._forward_hooks for module in network.modules())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_against_the_corrupted_frame_only_what_differs_counts(network, scenes):
    found = attribute_inputs(network, scenes.clean, baseline=scenes.corrupted)
    same = (scenes.clean == scenes.corrupted).all(-1)
    assert np.abs(found.values.transpose(0, 2, 3, 1)[same]).max() == 0
    assert np.abs(found.values).max() > 0


def test_occlusion_is_the_change_that_it_says(network, scenes):
    found = attribute_inputs(network, scenes.clean, method="occlusion", window=16, baseline="black")
    frames = scenes.clean.copy()
    frames[:, 16:32, 48:64] = 0
    effect = movement(network, scenes.clean) - movement(network, frames)
    assert found.values[:, 0, 20, 50] == pytest.approx(effect, abs=1e-4)
    assert found.change is None
    with pytest.raises(FeatureError, match="occlusion at hook_input is not complete"):
        _ = found.convergence_delta


def test_occluding_a_hidden_channel_replaces_it_by_its_baseline_value(network, scenes):
    hook = "block2.hook_pool"
    found = attribute_inputs(network, scenes.clean, method="occlusion", hook=hook, baseline="black")
    black = network.activations(torch.zeros(3, 64, 64, 3, dtype=torch.uint8), hook)

    def replaced(value, hook):
        value[:, 5] = black[:, 5]

    with network.hooks_on({hook: replaced}):
        without = movement(network, scenes.clean)
    assert found.by_channel()[:, 5] == pytest.approx(movement(network, scenes.clean) - without, abs=1e-4)


def test_gradient_times_activation_of_a_linear_read_out_is_its_weight(network, scenes):
    found = attribute_inputs(
        network, scenes.clean, method="gradient x activation", target="value", hook="hidden.hook_post"
    )
    hidden = network.activations(torch.from_numpy(scenes.clean), "hidden.hook_post")
    assert found.values == pytest.approx((hidden * network.value.weight).detach().numpy(), abs=1e-5)


def test_bad_input(network, scenes):
    frames = scenes.clean
    with pytest.raises(UnknownHook, match=r"did you mean 'block1\.hook_pool'"):
        attribute_inputs(network, frames, hook="block1.hook_poool")
    with pytest.raises(FeatureError, match="unknown method 'deeplift'"):
        attribute_inputs(network, frames, method="deeplift")
    with pytest.raises(FeatureError, match="target: unknown readout 'movment'; did you mean 'movement'"):
        attribute_inputs(network, frames, target="movment")
    with pytest.raises(FeatureError, match="conductance is for hidden layers"):
        attribute_inputs(network, frames, method="conductance")
    with pytest.raises(FeatureError, match="hook_logits is an output"):
        attribute_inputs(network, frames, hook="hook_logits")
    with pytest.raises(FeatureError, match=r"frames must be uint8 \[frames, 64, 64, 3\]"):
        attribute_inputs(network, frames[:, :32])
    with pytest.raises(FeatureError, match="one frame or one for each"):
        attribute_inputs(network, frames, baseline=frames[:2])
    with pytest.raises(FeatureError, match=r"does not add up in [123] of 3 frames"):
        attribute_inputs(network, frames, steps=400, tolerance=0.0)


def test_a_single_action_and_any_function_of_the_output_can_be_attributed(network, scenes):
    """A batch of one action's log-odds by name is the same number written as a function of the logits."""
    hook = "hidden.hook_post"
    options = {"hook": hook, "baseline": "black", "steps": 16, "tolerance": 9}
    column = list(network.actions).index(8)
    named = attribute_inputs(network, scenes.clean, target="action:right+jump", **options)

    def log_odds(logits, value):
        others = torch.cat([logits[:, :column], logits[:, column + 1 :]], 1)
        return logits[:, column] - others.logsumexp(1)

    own = attribute_inputs(network, scenes.clean, target=log_odds, **options)
    assert own.target == "log_odds"
    assert named.target == "action:right+jump"
    assert own.values == pytest.approx(named.values, abs=1e-5)
    assert "log_odds to hidden.hook_post by integrated gradients, 3 x 10" in repr(own)


def test_tensors_are_frames_and_baselines_too(network, scenes):
    options = {"hook": "hidden.hook_post", "steps": 8, "tolerance": 9}
    arrays = attribute_inputs(network, scenes.clean, baseline=scenes.corrupted, **options)
    tensors = attribute_inputs(
        network, torch.from_numpy(scenes.clean), baseline=torch.from_numpy(scenes.corrupted), **options
    )
    assert (arrays.values == tensors.values).all()


def test_what_is_no_readout_or_hook_is_named(network, scenes):
    with pytest.raises(FeatureError, match=r"target: a readout is a name, a Readout or a function .*, got 7"):
        attribute_inputs(network, scenes.clean, target=7)
    with pytest.raises(UnknownHook, match="no hook point '7'"):
        attribute_inputs(network, scenes.clean, hook=7)
    with pytest.raises(FeatureError, match="unknown method 7"):
        attribute_inputs(network, scenes.clean, method=7)
    with pytest.raises(FeatureError, match="frames must be uint8"):
        attribute_inputs(network, 7)


def test_attribution_from_a_hook_point_is_captums_layer_attribution():
    from captum.attr import LayerIntegratedGradients

    policy = build(SMALL, seed=3).requires_grad_(False)
    frames = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    hook = "block2.hook_pool"
    own = attribute_inputs(policy, frames, target="value", hook=hook, baseline="black", steps=8, tolerance=9)
    images = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    method = LayerIntegratedGradients(
        lambda batch: policy(start_at="hook_input", values={"hook_input": batch}).value, policy.hook_dict[hook]
    )
    expected = method.attribute(images, torch.zeros_like(images), n_steps=8)
    assert own.values == pytest.approx(expected.detach().numpy(), abs=1e-6)
