"""Factors of a planted network's last layer with maps, and of a dead one."""

from __future__ import annotations

import dataclasses

import pytest

from mechinterp.circuits.planted import LIGHT
from mechinterp.experiments import Inputs
from mechinterp.experiments.factors import SLICE
from mechinterp.experiments.inputs.localization import localization_data
from mechinterp.policies import build
from tests.experiments.planted_wall import inputs, measured, subject


@pytest.mark.slow
def test_factors_and_latents_are_labelled_and_the_reconstruction_is_spliced_in():
    found = measured(SLICE)
    assert found.hook == "trunk.hook_relu"
    assert found.activations is not None
    assert 0 < found.activations.explained <= 1
    labels = [own.object for own in (*found.activations.factors.values(), *found.autoencoder.latents.values())]
    assert all(labels)
    assert found.autoencoder.size == 128
    assert set(found.autoencoder.divergence) == {"reconstruction", "zero", "mean"}
    assert found.autoencoder.divergence["reconstruction"].value <= found.autoencoder.divergence["mean"].value


@pytest.mark.slow
def test_a_dead_layer_is_said_to_be_dead():
    policy = build(LIGHT, seed=0).requires_grad_(False)
    hook = "trunk.hook_relu"
    for name, parameter in policy.named_parameters():
        if name.startswith("block2"):
            parameter.zero_()
            if name.endswith("bias"):
                parameter.fill_(-1.0)
    other = Inputs(subject(policy), inputs().plan)
    other._made[localization_data] = inputs()(localization_data)
    found = measured(SLICE, of=other)
    assert (found.activations, found.attributions, found.autoencoder) == (None, None, None)
    assert found.left_out == {"factors": f"{hook} is dead: none of its {LIGHT.channels[-1]} channels ever changes"}
    assert dataclasses.asdict(SLICE.sizes.quick) == {"training_steps": 200}
