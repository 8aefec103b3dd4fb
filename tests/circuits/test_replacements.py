"""Sites with several replacements in one call: against one call for each, and against whole forwards."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mechinterp.circuits import BudgetTooSmall, CircuitError, Effects, attribution_patching, patch
from mechinterp.interventions import Box, Site, channel_sites
from mechinterp.policies.actions import movement_logodds
from tests.circuits.conftest import local_pairs, random_frames, slow_patch

HOOKS = ("block1.hook_pool", "block2.res1.hook_conv1", "hidden.hook_pre")


def values_of(policy, frames):
    with torch.no_grad():
        return policy.activations(torch.from_numpy(frames), list(HOOKS))


def mixed(mine, yours):
    """Replacements that change from site to site, at every hook point; with positions among them."""
    given = ("zero", "counterfactual", "mean", mine, "resample", yours)
    sites = [Site(hook, i % 3) for hook in HOOKS for i, _ in enumerate(given)]
    sites += [Site(HOOKS[0], None, Box((2, 9), (4, 20))), Site(HOOKS[0], 1)]
    return sites, [*given * 3, "zero", "counterfactual"]


@pytest.mark.parametrize("engine", ["auto", "whole"])
def test_every_site_gets_its_own_replacement(impala, engine):
    pairs, reference = local_pairs(3), random_frames(4, 9)
    mine, yours = values_of(impala, random_frames(3, 20)), values_of(impala, random_frames(1, 21))
    sites, given = mixed(mine, yours)
    options = {"direction": "noise", "engine": engine, "replacement": given}
    found = patch(impala, pairs, sites, reference=reference, rng=np.random.default_rng(4), **options)
    assert found.parts == tuple(sites)
    names = ("zero", "counterfactual", "mean", "cache", "resample", "cache", "zero")
    assert found.replacements[:7] == names
    assert found.labels[1:3] == ("block1.hook_pool[1]", "block1.hook_pool[2] from mean")
    drawn = reference[np.random.default_rng(4).integers(4, size=3)]
    mean = {hook: value.mean(0, keepdim=True) for hook, value in values_of(impala, reference).items()}
    values = {
        "counterfactual": values_of(impala, pairs.corrupted), "mean": mean, "resample": values_of(impala, drawn),
        "zero": {hook: torch.zeros_like(value) for hook, value in mean.items()},
    }  # fmt: skip
    for i, (site, one) in enumerate(zip(sites, given, strict=True)):
        put = values[one] if isinstance(one, str) else one
        out = slow_patch(impala, pairs, site, put[site.hook], direction="noise")
        wanted = movement_logodds(out.logits, impala.actions)
        np.testing.assert_allclose(found.run[0, i], wanted, atol=1e-4, err_msg=site.label)
    again = Effects.from_json(found.to_json())
    assert (again.parts, again.replacements) == (found.parts, found.replacements)
    # One pair after another, in the least memory, comes to the same.
    with pytest.raises(BudgetTooSmall) as error:
        patch(impala, pairs, sites, memory=1, rng=np.random.default_rng(4), **options)
    tight = patch(
        impala, pairs, sites, reference=reference, rng=np.random.default_rng(4), memory=error.value.needed, **options
    )
    np.testing.assert_allclose(tight.run, found.run, atol=1e-4)


def test_the_values_of_every_replacement_count_as_memory(impala):
    def needed(*names):
        with pytest.raises(BudgetTooSmall) as error:
            patch(impala, local_pairs(2), [Site(HOOKS[0], 0)] * len(names), replacement=names, memory=1)
        return error.value.needed

    one_map = 4 * int(np.prod(impala.shapes[HOOKS[0]]))
    assert needed("counterfactual", "mean") - needed("counterfactual") == one_map


def test_what_comes_before_the_sites_is_run_once_for_all_replacements(impala):
    pairs, rows = local_pairs(3), []
    cache = {hook: value[:1] for hook, value in values_of(impala, random_frames(1, 3)).items()}
    stem = impala.get_submodule("block1.conv")
    counter = stem.register_forward_hook(lambda module, inputs, output: rows.append(len(output)))
    try:
        sites = [Site(hook, 0) for hook in HOOKS for _ in range(3)]
        patch(impala, pairs, sites, replacement=["counterfactual", "zero", cache] * 3)
    finally:
        counter.remove()
    assert sum(rows) == 2 * len(pairs.clean)


def test_replacements_that_cannot_be(impala):
    pairs, site = local_pairs(2), Site(HOOKS[0], 0)
    with pytest.raises(CircuitError, match="unknown replacement 'mine'"):
        patch(impala, pairs, site, replacement="mine")
    with pytest.raises(CircuitError, match="did you mean 'counterfactual'"):
        patch(impala, pairs, [site, site], replacement=["counterfctual", "zero"])
    with pytest.raises(CircuitError, match="2 sites need as many replacements, or one for all, got 1"):
        patch(impala, pairs, [site, site], replacement=["zero"])
    with pytest.raises(CircuitError, match="rng goes with the replacement 'resample'"):
        patch(impala, pairs, site, replacement="resample")
    captured = impala.capture(torch.from_numpy(pairs.clean), [HOOKS[0]])
    with pytest.raises(CircuitError, match=r"replacement=run\.values"):
        patch(impala, pairs, site, replacement=captured)
    with pytest.raises(CircuitError, match="unknown replacement"):
        attribution_patching(impala, pairs, channel_sites(impala, HOOKS), replacement=["zero"])
