"""Sites of several sources in one call, as data: against one call for each source, and against whole forwards."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mechinterp.circuits import BudgetTooSmall, CircuitError, PatchEffects, PatchSite, attribute, channel_sites, patch
from mechinterp.interventions import Box
from mechinterp.policies.actions import movement_logodds
from tests.circuits.conftest import local_pairs, random_frames, slow_patch

HOOKS = ("block1.hook_pool", "block2.res1.hook_conv1", "hidden.hook_pre")


def values_of(policy, frames):
    with torch.no_grad():
        return policy.activations(torch.from_numpy(frames), list(HOOKS))


def mixed(policy) -> list[PatchSite]:
    """Sources that change from site to site, at every hook point; with a place, and the call's own among them."""
    names = ("zero", None, "mean", "mine", "resample", "yours")
    sites = [PatchSite(hook, (i % 3,), None, name) for hook in HOOKS for i, name in enumerate(names)]
    return [*sites, PatchSite(HOOKS[0], None, Box((2, 9), (4, 20)), "zero"), PatchSite(HOOKS[0], 1, source="other")]


@pytest.mark.parametrize("engine", ["auto", "whole"])
def test_every_site_gets_the_values_of_its_own_source(impala, engine):
    pairs, reference = local_pairs(3), random_frames(4, 9)
    caches = {"mine": values_of(impala, random_frames(3, 20)), "yours": values_of(impala, random_frames(1, 21))}
    sites = mixed(impala)
    options = {"direction": "noise", "engine": engine}
    found = patch(impala, pairs, sites, caches=caches, reference=reference, rng=np.random.default_rng(4), **options)
    assert found.sites == tuple(sites)
    assert found.sources[:7] == ("zero", "other", "mean", "mine", "resample", "yours", "zero")
    assert sites[2].label == "block1.hook_pool[2] from mean"
    drawn = reference[np.random.default_rng(4).integers(4, size=3)]
    mean = {hook: value.mean(0, keepdim=True) for hook, value in values_of(impala, reference).items()}
    donors = {
        "other": values_of(impala, pairs.corrupted), "mean": mean, "resample": values_of(impala, drawn), **caches,
        "zero": {hook: torch.zeros_like(value) for hook, value in mean.items()},
    }  # fmt: skip
    for i, site in enumerate(sites):
        out = slow_patch(impala, pairs, site, donors[found.sources[i]][site.hook], direction="noise")
        wanted = movement_logodds(out.logits, impala.actions)
        np.testing.assert_allclose(found.patched[0, i], wanted, atol=1e-4, err_msg=site.label)
    again = PatchEffects.from_json(found.to_json())
    assert (again.sites, again.sources) == (found.sites, found.sources)
    # One pair after another, in the least memory, comes to the same.
    with pytest.raises(BudgetTooSmall) as error:
        patch(impala, pairs, sites, caches=caches, memory=1, rng=np.random.default_rng(4), **options)
    tight = patch(
        impala, pairs, sites, caches=caches, reference=reference, rng=np.random.default_rng(4),
        memory=error.value.needed, **options,
    )  # fmt: skip
    np.testing.assert_allclose(tight.patched, found.patched, atol=1e-4)


def test_the_values_of_every_source_count_as_memory(impala):
    def needed(*names):
        sites = [PatchSite(HOOKS[0], 0, source=name) for name in names]
        with pytest.raises(BudgetTooSmall) as error:
            patch(impala, local_pairs(2), sites, memory=1)
        return error.value.needed

    one_map = 4 * int(np.prod(impala.shapes[HOOKS[0]]))
    assert needed("other", "mean") - needed("other") == one_map


def test_what_comes_before_the_sites_is_run_once_for_all_sources(impala):
    pairs, rows = local_pairs(3), []
    cache = {hook: value[:1] for hook, value in values_of(impala, random_frames(1, 3)).items()}
    stem = impala.get_submodule("block1.conv")
    counter = stem.register_forward_hook(lambda module, inputs, output: rows.append(len(output)))
    try:
        sites = [PatchSite(hook, 0, source=name) for hook in HOOKS for name in ("other", "zero", "mine")]
        patch(impala, pairs, sites, caches={"mine": cache})
    finally:
        counter.remove()
    assert sum(rows) == 2 * len(pairs.clean)


def test_sources_that_cannot_be(impala):
    pairs, site = local_pairs(2), PatchSite(HOOKS[0], 0, source="mine")
    cache = values_of(impala, pairs.clean)
    with pytest.raises(CircuitError, match=r"block1.hook_pool\[0\] from mine: unknown source 'mine'"):
        patch(impala, pairs, site)
    with pytest.raises(CircuitError, match="did you mean 'mine'"):
        patch(impala, pairs, PatchSite(HOOKS[0], 0, source="mime"), caches={"mine": cache})
    with pytest.raises(CircuitError, match="no site takes its values from the cache 'yours'"):
        patch(impala, pairs, site, caches={"mine": cache, "yours": cache})
    with pytest.raises(CircuitError, match="none takes its values from the one given"):
        patch(impala, pairs, PatchSite(HOOKS[0], 0, source="zero"), source=cache)
    with pytest.raises(CircuitError, match="cannot be called 'zero'"):
        patch(impala, pairs, site, caches={"mine": cache, "zero": cache})
    with pytest.raises(CircuitError, match="rng goes with source 'resample'"):
        patch(impala, pairs, PatchSite(HOOKS[0], 0, source="resample"))
    with pytest.raises(CircuitError, match="the source of a site is a name, got dict"):
        PatchSite(HOOKS[0], 0, source=cache)  # pyright: ignore[reportArgumentType]
    with pytest.raises(CircuitError, match=r"source=run\.values"):
        patch(impala, pairs, PatchSite(HOOKS[0], 0), source=impala.capture(torch.from_numpy(pairs.clean), [HOOKS[0]]))
    with pytest.raises(CircuitError, match="once for each source"):
        attribute(impala, pairs, channel_sites(impala, HOOKS, source="zero"), rng=np.random.default_rng(0))
