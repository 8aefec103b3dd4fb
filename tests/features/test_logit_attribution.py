"""The decomposition of the movement log-odds, against the policy's own outputs and arithmetic done by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mechinterp.features import FeatureError, decompose_movement
from mechinterp.policies.readouts import readout_values
from tests.features.conftest import loud, painted


def test_the_parts_of_the_log_odds_add_up_to_them():
    policy, frames = loud(), painted(24).clean
    levels = np.arange(24)
    found = decompose_movement(policy, frames, levels, rng=np.random.default_rng(0))
    said = readout_values(policy, frames)["movement"]
    assert found.mean.value == pytest.approx(said.mean(), abs=1e-4)
    assert found.standard_deviation.value == pytest.approx(said.std(), abs=1e-4)
    assert sum(part.value for part in found.parts.values()) == pytest.approx(said.mean(), abs=1e-4)
    assert found.unit_means.sum() == pytest.approx(found.parts["hidden units"].value, abs=1e-6)
    black = readout_values(policy, np.zeros((1, 64, 64, 3), np.uint8))["movement"][0]
    assert found.black_frame == pytest.approx(black, abs=1e-4)
    square = said.mean() ** 2
    assert found.constant_share == pytest.approx(square / (square + said.var()), abs=1e-4)


def test_contributions_of_units_are_weights_times_activations():
    """With one action on each side, the weights of the log-odds are a difference of two rows."""
    policy, frames = loud(), painted(12).clean
    policy.actions = (1, 7)
    weight, bias = policy.get_parameter("logits.weight"), policy.get_parameter("logits.bias")
    weight.data, bias.data = weight[:2].clone(), bias[:2].clone()
    levels = np.arange(12)
    found = decompose_movement(
        policy, torch.from_numpy(frames), levels, rng=np.random.default_rng(0), choosing=levels[:5]
    )
    hidden = policy.activations(torch.from_numpy(frames), found.hook).numpy()
    contributions = hidden.astype(float) * (weight[1] - weight[0]).numpy()
    assert found.unit_means == pytest.approx(contributions.mean(0), abs=1e-5)
    assert found.parts["bias"].value == pytest.approx(float(bias[1] - bias[0]), abs=1e-6)
    assert found.parts["number of actions"].value == pytest.approx(0, abs=1e-9)
    order = np.argsort(-np.abs(contributions[:5].mean(0)), kind="stable")[:6]
    assert list(found.top_units) == order.tolist()
    assert found.top_units[order[0]].value == pytest.approx(contributions[5:, order[0]].mean(), abs=1e-5)
    sizes = np.sort(np.abs(found.unit_means))[::-1]
    assert sizes[: found.units_needed].sum() >= 0.8 * sizes.sum() > sizes[: found.units_needed - 1].sum()


def test_actions_that_go_nowhere_are_refused():
    policy = loud()
    policy.actions = (3, 4, 5)
    weight, bias = policy.get_parameter("logits.weight"), policy.get_parameter("logits.bias")
    weight.data, bias.data = weight[:3].clone(), bias[:3].clone()
    with pytest.raises(FeatureError, match="no action of this policy goes right"):
        decompose_movement(policy, painted(4).clean, np.arange(4), rng=np.random.default_rng(0))
    with pytest.raises(FeatureError, match=r"frames must be uint8 \[frames, 64, 64, 3\]"):
        decompose_movement(policy, painted(4).clean[:, :9], np.arange(4), rng=np.random.default_rng(0))
