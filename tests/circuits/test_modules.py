"""Weights that are used without calling their module: hooks and other forwards are run or refused; gradients off."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from mechinterp.circuits import (
    Circuit,
    CircuitError,
    ResidualGraph,
    attribution_patching,
    edge_effects,
    learned_mask,
    patch,
    path_effects,
    run_circuit,
)
from mechinterp.circuits.masks import MaskOptions
from mechinterp.circuits.planted import planted_network
from mechinterp.features import FeatureError, decompose_movement
from mechinterp.interventions import Site
from mechinterp.interventions.engine.fast import can_run
from mechinterp.policies import build, light_impala
from tests.circuits.test_discovery import scenes

SITES = [Site("block1.hook_conv", 3), Site("block2.res1.hook_out", (1, 4)), Site("hidden.hook_post", 7)]


def halve(module, inputs, output):
    return output / 2


def louder(module, inputs):
    return (inputs[0] * 1.5,)


def edges_of(policy):
    return [edge for edge in ResidualGraph.of(policy).edges() if edge.target.hook == "hook_logits"][:6]


MEASURES = {
    "run_circuit": lambda policy, pairs: run_circuit(policy, pairs, Circuit.of(policy, edges_of(policy))),
    "edge_effects": lambda policy, pairs: edge_effects(policy, pairs, edges_of(policy)),
    "path_effects": lambda policy, pairs: path_effects(policy, pairs, "hidden.hook_pre[0] -> hook_logits"),
    "attribution of edges": lambda policy, pairs: attribution_patching(policy, pairs, edges_of(policy)),
    "learned mask": lambda policy, pairs: learned_mask(policy, pairs, kind="edges", generator=torch.Generator()),
}


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("hook", ["register_forward_hook", "register_forward_pre_hook"])
def test_torchs_own_hooks_on_a_layer_are_refused_where_its_weights_are_read(measure, hook):
    policy = planted_network("coin").policy
    getattr(policy.get_submodule("hidden.linear"), hook)(halve if hook == "register_forward_hook" else louder)
    with pytest.raises(CircuitError, match=r"hooks are on the policy, at hidden\.linear"):
        MEASURES[measure](policy, scenes(2))


def test_patching_runs_them():
    policy, pairs = planted_network("coin").policy, scenes(3)
    before = patch(policy, pairs, SITES).effect()
    policy.get_submodule("hidden.linear").register_forward_hook(halve)
    assert not can_run(policy, "block2.hook_conv")
    hooked, whole = patch(policy, pairs, SITES), patch(policy, pairs, SITES, engine="whole")
    np.testing.assert_array_equal(hooked.values, whole.values)
    assert np.abs(hooked.effect() - before).max() > 0.1


class Doubled(nn.Linear):
    def forward(self, input):
        return 2 * super().forward(input)


def another_forward(policy):
    """A subclass with a forward of its own in place of the hidden layer."""
    layer = policy.get_submodule("hidden.linear")
    other = Doubled(layer.in_features, layer.out_features).requires_grad_(False)
    other.load_state_dict(layer.state_dict())
    policy.get_submodule("hidden").linear = other


def patched_forward(policy):
    layer = policy.get_submodule("hidden.linear")
    own = layer.forward
    layer.forward = lambda inputs: 2 * own(inputs)


def circular(policy):
    policy.get_submodule("block2.conv").padding_mode = "circular"


@pytest.mark.parametrize("change", [another_forward, patched_forward, circular])
def test_layers_that_do_something_else_by_their_weights(change):
    policy, pairs = planted_network("coin").policy, scenes(3)
    change(policy)
    fast, whole = patch(policy, pairs, SITES), patch(policy, pairs, SITES, engine="whole")
    np.testing.assert_allclose(fast.values, whole.values, atol=1e-5)
    for measure in ("run_circuit", "edge_effects", "attribution of edges", "learned mask"):
        with pytest.raises(CircuitError, match="cannot be taken apart into edges"):
            MEASURES[measure](policy, pairs)


def weighed(module):
    with pytest.warns(FutureWarning):
        return nn.utils.weight_norm(module)


@pytest.mark.parametrize("norm", [parametrizations.weight_norm, parametrizations.spectral_norm, weighed])
def test_normed_weights(norm):
    """By torch's parametrizations the layer's type changes, by the older function its weight comes from a hook."""
    policy, pairs = planted_network("coin").policy, scenes(3)
    norm(policy.get_submodule("block2.res1.conv1"))
    policy.requires_grad_(False)
    fast, whole = patch(policy, pairs, SITES), patch(policy, pairs, SITES, engine="whole")
    np.testing.assert_allclose(fast.values, whole.values, atol=1e-5)
    edges = [edge for edge in ResidualGraph.of(policy).edges(["block2.res1.hook_conv1"])][:9]
    if norm is weighed:
        with pytest.raises(CircuitError, match=r"hooks are on the policy, at block2\.res1\.conv1"):
            edge_effects(policy, pairs, edges)
        return
    found = edge_effects(policy, pairs, edges)
    every = run_circuit(policy, pairs, Circuit.of(policy, ResidualGraph.of(policy).edges()))
    np.testing.assert_allclose(every.effect()[0], every.total(), atol=1e-4)
    assert np.isfinite(found.values).all()


def test_the_decomposition_of_the_logits_refuses_hooks_on_them():
    policy = build(light_impala(), seed=0)
    frames = np.zeros((4, 64, 64, 3), np.uint8)
    policy.get_submodule("logits").register_forward_hook(halve)
    with pytest.raises(FeatureError, match="hooks are on the layer that makes the logits"):
        decompose_movement(policy, frames, np.arange(4), rng=np.random.default_rng(0))


@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
def test_gradients_are_computed_wherever_they_are_switched_off(off):
    made, pairs = planted_network("coin"), scenes(4)
    options = MaskOptions(steps=3, pairs=2)
    sites = [Site("block2.hook_conv", c) for c in range(8)]

    def measured():
        mask = learned_mask(
            made.policy, pairs, kind="nodes", generator=torch.Generator().manual_seed(0), options=options
        )
        return mask.scores, attribution_patching(made.policy, pairs, sites).values

    expected = measured()
    with off():
        found = measured()
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(one, other)
