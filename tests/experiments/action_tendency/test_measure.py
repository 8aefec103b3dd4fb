"""Decomposition and steering of a network with a preference, and of one that always prefers the same."""

from __future__ import annotations

import pytest

from mechinterp.circuits.planted import LIGHT
from mechinterp.experiments import Inputs
from mechinterp.experiments.action_tendency import SLICE
from mechinterp.experiments.inputs.localization import localization_data
from mechinterp.policies import build
from mechinterp.policies.readouts import readout_values
from tests.experiments.planted_wall import inputs, measured, subject, wall


@pytest.mark.slow
def test_parts_add_up_and_the_units_are_those_that_the_movement_reads():
    found = measured(SLICE)
    frames = inputs()(localization_data).frames
    movement = readout_values(wall().policy, frames)["movement"]
    assert found.mean.value == pytest.approx(movement.mean(), abs=1e-4)
    assert sum(part.value for part in found.parts.values()) == pytest.approx(found.mean.value, abs=1e-6)
    assert found.prefers_right.value == pytest.approx((movement > 0).mean())
    assert found.units == wall().policy.shapes[found.hook][0]
    assert 1 <= found.units_needed <= found.units
    assert list(found.steering) or found.left_out


@pytest.mark.slow
def test_a_policy_that_always_prefers_the_same_has_no_steering_vector():
    policy = build(LIGHT, seed=0).requires_grad_(False)
    policy.get_parameter("logits.weight").zero_()
    other = Inputs(subject(policy), inputs().plan)
    other._made[localization_data] = inputs()(localization_data)  # the same frames: what it is shown does not matter
    found = measured(SLICE, of=other)
    assert found.steering == {}
    assert "log-odds differ by up to 0 nats" in found.left_out['the steering vector "right"']
    assert found.standard_deviation.value == pytest.approx(0, abs=1e-9)
