"""Values from a run of the caller's own, handed over as a cache."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mechinterp.circuits import CircuitError, Edge, attribution_patching, edge_effects, patch, path_effects
from mechinterp.interventions import Site, channel_sites
from mechinterp.policies.actions import movement_logodds
from tests.circuits.conftest import lively, local_pairs, random_frames, slow_patch

HOOKS = ["block1.res1.hook_branch", "block2.hook_pool", "hidden.hook_post", "hook_value"]


@pytest.mark.parametrize("engine", ["auto", "whole"])
def test_a_third_runs_values_are_put_in_pair_by_pair(impala, engine):
    pairs = local_pairs(3)
    cache = impala.activations(torch.from_numpy(random_frames(3, 7)), HOOKS)
    sites = [Site(hook, (0,)) for hook in HOOKS]
    whole = patch(impala, pairs, sites, replacement=cache, engine=engine, direction="noise")
    assert whole.replacement == "cache"
    for i, site in enumerate(sites):
        out = slow_patch(impala, pairs, site, cache[site.hook], direction="noise")
        np.testing.assert_allclose(whole.run[0, i], movement_logodds(out.logits, impala.actions), atol=1e-4)
    assert np.abs(whole.effect("movement")[:3]).mean(1).min() > 1e-3  # something was put in
    few = patch(
        impala, pairs, sites, replacement=cache, engine=engine, direction="noise", memory=1 << 20
    )  # pair after pair
    np.testing.assert_allclose(few.run, whole.run, atol=1e-4)


def test_one_row_is_for_all_pairs(impala):
    pairs = local_pairs(3)
    one = impala.activations(torch.from_numpy(random_frames(1, 7)), HOOKS)
    each = {name: value.expand(3, *value.shape[1:]) for name, value in one.items()}
    sites = channel_sites(impala, HOOKS[:2])
    found = [patch(impala, pairs, sites, replacement=cache).run for cache in (one, each)]
    np.testing.assert_allclose(*found, atol=1e-5)


@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_a_cache_of_the_other_run_is_the_other_run_in_every_method(impala, direction):
    pairs = local_pairs(2)
    cache = impala.activations(torch.from_numpy(pairs.clean if direction == "denoise" else pairs.corrupted))
    edges = [Edge.parse(f"block1.hook_conv[{i}] -> block2.hook_conv[{j}]") for i in range(3) for j in range(5)]
    methods = {
        patch: channel_sites(impala, "block2.hook_conv"),
        edge_effects: edges,
        path_effects: ["block1.hook_conv -> block2.hook_conv -> hidden.hook_pre"],
    }
    for method, parts in methods.items():
        given, other = (
            method(impala, pairs, parts, replacement=replacement, direction=direction).effect("movement")
            for replacement in (cache, "counterfactual")
        )
        np.testing.assert_allclose(given, other, atol=1e-5)
        assert np.abs(other).max() > 1e-3
    sites = channel_sites(impala, "block2.hook_conv")
    for how in ("gradient", "eap-ig activations"):
        given, other = (
            attribution_patching(
                impala,
                pairs,
                sites,
                rng=np.random.default_rng(0),
                method=how,
                replacement=one,
                direction=direction,
            )
            for one in (cache, "counterfactual")
        )
        np.testing.assert_allclose(given.values, other.values, atol=1e-5)
        assert given.replacement == "cache"


def test_only_what_is_put_in_need_be_in_the_cache(impala):
    cache = impala.activations(torch.from_numpy(random_frames(2, 7)), ["block1.hook_conv"])
    edge = Edge.parse("block1.hook_conv[0] -> block2.hook_conv[0]")
    assert edge_effects(impala, local_pairs(2), [edge], replacement=cache).replacement == "cache"


def test_caches_that_do_not_fit(impala):
    pairs, hook = local_pairs(2), "block2.hook_conv"
    sites = channel_sites(impala, hook)
    values = impala.activations(torch.from_numpy(pairs.clean), hook)
    foreign = lively("light").activations(torch.from_numpy(pairs.clean), [hook])
    wrong = {
        r"network differ at block2.hook_conv.*\[2, 3, 16, 16\].*\[2 or 1, 5, 32, 32\].*another network": foreign,
        "3 rows at block2.hook_conv; there are 2 pairs": {hook: values[[0, 1, 1]]},
        "holds nothing at block2.hook_conv; did you mean 'block2.hook_con'": {"block2.hook_con": values},
        "torch.float64 on cpu at block2.hook_conv, the network torch.float32": {hook: values.double()},
        "not all finite": {hook: values / 0},
        "the cache has ndarray": {hook: values.numpy()},
    }
    for message, cache in wrong.items():
        with pytest.raises(CircuitError, match=message):
            patch(impala, pairs, sites, replacement=cache)
    with pytest.raises(CircuitError, match="'cache' takes no reference"):
        patch(impala, pairs, sites, replacement={hook: values}, reference=pairs.clean)
    with pytest.raises(CircuitError, match="rng"):
        patch(impala, pairs, sites, replacement={hook: values}, rng=np.random.default_rng(0))
    with pytest.raises(CircuitError, match="'cache' has no frame to go to"):
        attribution_patching(
            impala, pairs, sites, rng=np.random.default_rng(0), replacement={hook: values}, method="eap-ig inputs"
        )
