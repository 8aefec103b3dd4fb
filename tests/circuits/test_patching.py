"""The engine against one whole forward for each patch, under TransformerLens' own hooks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mechinterp.circuits import BudgetTooSmall, CircuitError, FramePairs, patch
from mechinterp.interventions import Ablate, Box, InterventionError, Site, apply, around, channel_sites
from mechinterp.policies import UnknownHook
from mechinterp.policies.actions import jump_logodds, movement_logodds
from tests.circuits.conftest import local_pairs, random_frames, slow_patch

TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-9}
THREE = around(np.ones((3, 2), int), side=32)
METRICS = ("movement", "jump", "value", "kl")


def tensor(frames):
    return torch.from_numpy(frames.copy())


def some_sites(policy, rng) -> list[Site]:
    """Every hook point: a channel, several, all of them, and (in a map) a box and a mask of its own for each pair."""
    sites = []
    for name in policy.hook_names:
        shape = policy.shapes[name] or (1,)
        several = rng.permutation(shape[0])[: max(1, shape[0] // 2)].tolist()
        sites += [Site(name, (int(rng.integers(shape[0])),)), Site(name, several), Site(name)]
        if len(shape) == 3:
            side = shape[1]
            first, last = sorted(rng.integers(0, side, 2).tolist())
            sites.append(Site(name, several, Box((first, last + 1), (0, max(1, side // 2)))))
            cells = around(rng.integers(0, side, (3, 2)), side=side, radius=1)
            sites.append(Site(name, None, cells))
    return sites


def expected(policy, pairs, sites, direction):
    """(metric, site, pair) by brute force."""
    with torch.no_grad():
        clean = policy.capture(tensor(pairs.clean))
        other = clean if direction == "denoise" else policy.capture(tensor(pairs.corrupted))
    columns = []
    for site in sites:
        out = slow_patch(policy, pairs, site, other.values[site.hook], direction=direction)
        p, q = (by_deed(policy, logits.softmax(-1)) for logits in (clean.output.logits, out.logits))
        kl = (p * (p / q).log()).sum(-1)
        rows = movement_logodds(out.logits, policy.actions), jump_logodds(out.logits, policy.actions), out.value, kl
        columns.append(torch.stack(rows))
    return torch.stack(columns, 1).double().numpy()


def by_deed(policy, probabilities):
    """What actions do: those that do nothing (4, and 9 to 14) are one."""
    nothing = torch.tensor([action == 4 or action > 8 for action in policy.actions])
    return torch.cat([probabilities[:, ~nothing], probabilities[:, nothing].sum(1, keepdim=True)], 1)


def unlike_pairs(count):
    return FramePairs(random_frames(count, 5), random_frames(count, 6))


@pytest.mark.parametrize(
    ("dtype", "direction", "make"),
    [(torch.float32, "denoise", unlike_pairs), (torch.float64, "noise", local_pairs)],
    ids=["float32", "float64"],
)
def test_every_kind_of_site_in_every_network_gives_what_a_whole_forward_gives(policy, dtype, direction, make):
    policy = policy.to(dtype)
    pairs = make(3)
    sites = some_sites(policy, np.random.default_rng(0))
    whole_forwards = expected(policy, pairs, sites, direction)
    for engine in ("auto", "whole"):
        effects = patch(policy, pairs, sites, direction=direction, metrics=METRICS, engine=engine)
        assert effects.run.shape == (4, len(sites), 3)
        assert np.median(np.abs(effects.effect("movement"))) > 30 * TOLERANCE[torch.float32]  # something to miss
        error = np.abs(effects.run - whole_forwards).max((0, 2))
        wrong = [(site.label, off) for site, off in zip(sites, error, strict=True) if off > TOLERANCE[dtype]]
        assert not wrong, engine


def test_baselines_are_the_two_runs_and_patching_everything_gives_the_other_one(impala):
    pairs = local_pairs(4)
    with torch.no_grad():
        runs = {side: impala(tensor(getattr(pairs, side))) for side in ("clean", "corrupted")}
    for direction in ("denoise", "noise"):
        effects = patch(impala, pairs, [Site("block2.hook_conv")], direction=direction, metrics=METRICS)
        for side, output in runs.items():
            movement = movement_logodds(output.logits, impala.actions).numpy()
            end = effects.start if (side == "corrupted") == (direction == "denoise") else effects.goal
            np.testing.assert_allclose(end[0], movement, atol=1e-5)
            assert (end[3] == 0).all() == (side == "clean")  # KL of the clean run from itself
            assert (end[3] >= 0).all()
        for metric in METRICS:
            np.testing.assert_allclose(effects.effect(metric)[0], effects.total(metric), atol=1e-4)
            usable = effects.select(effects.usable(metric))
            np.testing.assert_allclose(usable.normalised(metric), 1, atol=0.05)


@pytest.mark.parametrize("replacement", ["zero", "mean", "resample"])
def test_ablation_puts_in_zeros_means_or_the_values_of_other_frames(impala, replacement):
    pairs, reference = local_pairs(3), random_frames(5, 9)
    name = "block1.res1.hook_out"
    sites = channel_sites(impala, name)
    rng = np.random.default_rng(4) if replacement == "resample" else None
    effects = patch(
        impala,
        pairs,
        sites,
        direction="noise",
        replacement=replacement,
        rng=rng,
        reference=None if replacement == "zero" else reference,
    )
    with torch.no_grad():
        natural = impala(tensor(reference), stop_at=name)
    if replacement == "resample":
        donor = natural[np.random.default_rng(4).integers(5, size=3)]
    else:
        donor = natural.mean(0, keepdim=True) * (replacement == "mean")
    for i, site in enumerate(sites):
        out = slow_patch(impala, pairs, site, donor, direction="noise")
        np.testing.assert_allclose(effects.run[0, i], movement_logodds(out.logits, impala.actions), atol=1e-4)


def test_the_default_reference_is_both_sides_of_the_pairs(impala):
    pairs = local_pairs(2)
    sites = channel_sites(impala, "block2.hook_pool")
    both = np.concatenate([pairs.clean, pairs.corrupted])
    given = patch(impala, pairs, sites, replacement="mean", reference=both)
    np.testing.assert_allclose(patch(impala, pairs, sites, replacement="mean").run, given.run)


def test_one_metric_of_ones_own(impala):
    pairs = local_pairs(2)
    effects = patch(
        impala,
        pairs,
        channel_sites(impala, "hidden.hook_post"),
        metrics={"first": lambda logits, value: logits[:, 0], "v": "value"},
    )
    assert effects.metrics == ("first", "v")
    with torch.no_grad():
        np.testing.assert_allclose(effects.goal[0], impala(tensor(pairs.clean)).logits[:, 0], atol=1e-5)


def test_hooks_on_the_policy_stay_in_force(impala):
    pairs = local_pairs(2)
    sites = channel_sites(impala, "block1.hook_pool")
    plain = patch(impala, pairs, sites)
    with apply(impala, Ablate(hook="block2.hook_pool", channels=[1, 2])):
        ablated = patch(impala, pairs, sites)
        expected = slow_patch(impala, pairs, sites[1], impala.activations(tensor(pairs.clean), "block1.hook_pool"))
    np.testing.assert_allclose(ablated.run[0, 1], movement_logodds(expected.logits, impala.actions), atol=1e-4)
    assert np.abs(ablated.run - plain.run).max() > 1e-3


def test_the_result_does_not_depend_on_how_it_is_cut_into_batches(impala):
    pairs = local_pairs(5)
    sites = channel_sites(impala, ["block1.hook_pool", "block2.res1.hook_conv1", "trunk.hook_flat"])
    whole = patch(impala, pairs, sites, metrics=METRICS)
    with pytest.raises(BudgetTooSmall, match="cannot hold one pair and one patch") as error:
        patch(impala, pairs, sites, memory=1000)
    for memory in (error.value.needed, 3 * error.value.needed, 20 * error.value.needed):
        cut = patch(impala, pairs, sites, metrics=METRICS, memory=memory)
        np.testing.assert_allclose(cut.run, whole.run, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"sites": []}, CircuitError, "no sites"),
        ({"sites": [Site("block1.pool")]}, UnknownHook, "did you mean"),
        ({"sites": [Site("block1.hook_pool", (3,))]}, InterventionError, "channels 0 to 2"),
        ({"sites": [Site("hidden.hook_pre", None, Box((0, 1), (0, 1)))]}, InterventionError, "no feature map"),
        ({"sites": [Site("block1.hook_pool", None, Box((0, 99), (0, 1)))]}, InterventionError, "leaves a map"),
        ({"sites": [Site("block1.hook_pool", None, THREE)]}, InterventionError, "3 rows for a batch of 2"),
        ({"direction": "both"}, CircuitError, "direction"),
        ({"replacement": "median"}, CircuitError, "did you mean 'mean'"),
        ({"replacement": "resample"}, CircuitError, "rng"),
        ({"replacement": "zero", "rng": np.random.default_rng(0)}, CircuitError, "rng"),
        ({"replacement": "zero", "reference": random_frames(1)}, CircuitError, "no reference"),
        ({"replacement": "mean", "reference": random_frames(0)}, CircuitError, "at least (one|1)"),
        ({"metrics": "movment"}, CircuitError, "did you mean 'movement'"),
        ({"metrics": ()}, CircuitError, "no metrics"),
        ({"metrics": {"m": lambda logits, value: logits}}, CircuitError, "one number a row"),
        ({"metrics": {"m": lambda logits, value: value / 0}}, CircuitError, "not finite"),
        ({"pairs": (random_frames(2), random_frames(3))}, CircuitError, "one shape"),
        ({"pairs": (random_frames(0), random_frames(0))}, CircuitError, "at least (one|1)"),
        ({"pairs": (random_frames(2) / 255, random_frames(2))}, CircuitError, "uint8"),
        ({"pairs": (random_frames(2)[:, :32], random_frames(2)[:, :32])}, CircuitError, "64, 64, 3"),
        ({"replacement": "mean", "reference": random_frames(2)[:, :32]}, CircuitError, "64, 64, 3"),
    ],
)
def test_what_cannot_be_patched_is_refused_with_a_reason(impala, change, error, message):
    options = {"pairs": local_pairs(2), "sites": channel_sites(impala, "block1.hook_pool"), **change}
    with pytest.raises(error, match=message):
        patch(impala, options.pop("pairs"), options.pop("sites"), **options)
