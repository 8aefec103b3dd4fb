"""Probes on scenes whose answer is known."""

from __future__ import annotations

import inspect
import itertools

import numpy as np
import pytest
import torch

from mechinterp.features import FeatureError, Label, place_probes, probes
from mechinterp.features.frames import frame_array
from mechinterp.features.probe_nulls import probe_nulls
from mechinterp.features.probing import Group, activations, grouped, judge, shuffled
from mechinterp.policies import PolicyError, UnknownHook
from mechinterp.stats import ridge
from tests.features.conftest import colour_detector, painted

HOOK = "block1.res1.hook_relu1"
QUICK = {"networks": range(1), "shuffles": 5, "repeats": 1}


def test_labels_are_shuffled_level_by_level():
    rng = np.random.default_rng(0)
    levels = np.array([7, 3, 3, 7, 5, 5])
    truth = np.array([1.0, 2, 3, 4, 5, 6])
    seen = {tuple(shuffled(truth, levels, rng)[[1, 2, 4, 5, 0, 3]]) for _ in range(60)}
    blocks = {3: (2, 3), 5: (5, 6), 7: (1, 4)}
    assert seen == {sum((blocks[level] for level in order), ()) for order in itertools.permutations(blocks)}
    uneven = shuffled(np.arange(6.0), np.array([0, 0, 0, 1, 1, 2]), rng)
    assert sorted(uneven) == list(range(6))
    assert (np.diff(uneven) == 1).sum() >= 3  # what follows one another stays so
    paired = np.array([1.0, 1, 0, 0, 1, 0])
    swapped = {tuple(shuffled(paired, np.array([0, 1, 0, 1, 2, 2]), rng)) for _ in range(80)}
    assert len(swapped) == 8  # each level exchanged or not
    assert all(sum(labels[i] for i in own) == 1 for labels in swapped for own in ((0, 2), (1, 3), (4, 5)))


def test_what_is_thrown_once_a_level_is_not_significant_more_often_than_it_may_be():
    """Frames of a level are alike, and so are their labels: 5 % of such labels may reach p = 0.05, not one in five."""
    levels, hits = np.arange(24).repeat(4), 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        gram = ridge.kernel(rng.normal(0, 1, (24, 20)).repeat(4, 0) + rng.normal(0, 0.3, (96, 20)))
        truth = rng.permutation(np.arange(24) % 2).repeat(4).astype(float)
        group = Group([Label("thrown", "class", truth)], levels, 40, 1, 4, rng)
        scores = group(gram)["thrown"]
        hits += judge("thrown", "class", "x", scores, {"pixels": scores}, levels, rng).score.null.p <= 0.05
    assert hits <= 4


@pytest.fixture(scope="module")
def scenes():
    """Painted and plain frames of 40 levels."""
    pairs = painted(40)
    return np.concatenate([pairs.clean, pairs.corrupted]), np.tile(pairs.levels, 2), pairs


def test_a_written_detector_makes_presence_readable_above_the_baselines(scenes):
    frames, levels, _ = scenes
    present = Label("coin in view", "class", np.repeat([1.0, 0.0], 40))
    thrown = Label("thrown", "class", np.random.default_rng(1).permutation(np.repeat([1.0, 0.0], 40)))
    found = probes(
        colour_detector(), frames, levels, [present, thrown], rng=np.random.default_rng(0), hooks=HOOK, **QUICK
    )
    assert [(p.label, p.hook) for p in found] == [("coin in view", HOOK), ("thrown", HOOK)]
    assert found[0].score.null is not None
    assert set(found[0].baselines) == {"pixels", "untrained network 0"}
    best = found[0].baselines[found[0].best_baseline].value
    assert found[0].above.value == pytest.approx(found[0].score.value - best)
    assert best == max(e.value for e in found[0].baselines.values())
    assert abs(found[1].score.value - 0.5) < 0.25
    assert found[0].score.n == 40


def test_a_written_detector_knows_the_place(scenes):
    frames, levels, pairs = scenes
    places = np.concatenate([pairs.centres + 0.5, np.full((40, 2), np.nan)])
    (found,) = place_probes(
        colour_detector(), frames, levels, places, name="coin", rng=np.random.default_rng(0), hooks=HOOK,
        networks=range(1), shuffles=5,
    )  # fmt: skip
    assert found.score.low > 0.8
    assert found.baselines["always the same place"].value < 0.4
    assert found.score.null is not None
    assert found.score.null.high < 0.4
    assert found.score.n == 40


def test_frames_may_be_tensors_and_labels_a_single_one(scenes):
    frames, levels, pairs = scenes
    present = Label("coin in view", "class", np.repeat([1.0, 0.0], 40))
    options = {"hooks": HOOK, **QUICK}
    (one,) = probes(
        colour_detector(), torch.from_numpy(frames), levels, present, rng=np.random.default_rng(0), **options
    )
    (same,) = probes(colour_detector(), frames, levels, [present], rng=np.random.default_rng(0), **options)
    assert one == same
    assert repr(one).startswith(f"Probe('coin in view' from {HOOK}: ")
    assert len(repr(one)) < 160
    assert repr(present) == "Label('coin in view': true in 40 of 80 scenes)"
    places = np.concatenate([pairs.centres + 0.5, np.full((40, 2), np.nan)])
    (place,) = place_probes(
        colour_detector(), torch.from_numpy(frames), levels, places, name="coin", rng=np.random.default_rng(0),
        hooks=HOOK, networks=range(1), shuffles=5,
    )  # fmt: skip
    assert place.kind == "place"


def test_by_default_a_probe_can_be_significant():
    """Two-sided, the smallest p of n shuffles is 2 / (n + 1)."""
    scores = np.zeros((40, 41))
    scores[:, 0] = 1
    judged = judge("x", "class", "h", scores, {"pixels": scores}, np.arange(40), np.random.default_rng(0))
    assert judged.score.null.p <= 0.05
    assert inspect.signature(probes).parameters["shuffles"].default == scores.shape[1] - 1


def test_a_place_that_every_guess_hits_has_an_exact_bound_and_not_an_interval_of_no_length():
    hits, levels = np.ones((40, 6)), np.arange(40)
    rng = np.random.default_rng(0)
    assert judge("place of x", "place", "h", hits, {"pixels": hits}, levels, rng).score.low == pytest.approx(
        1 - (1 - 0.025 ** (1 / 40)), abs=0.02
    )
    score = judge("x", "class", "h", hits, {"pixels": hits}, levels, rng).score
    assert score.low == pytest.approx(0.025 ** (1 / 40), abs=0.02)
    assert score.high == 1
    above = judge("x", "class", "h", hits, {"pixels": hits}, levels, rng).above
    assert above.low < 0 < above.high


def test_bad_input(scenes):
    frames, levels, _ = scenes
    network, rng = colour_detector(), np.random.default_rng(0)
    label = Label("present", "class", np.repeat([1.0, 0.0], 40))
    with pytest.raises(UnknownHook, match="did you mean"):
        probes(network, frames, levels, [label], rng=rng, hooks="block1.res1.hook_relu")
    with pytest.raises(FeatureError, match="'rare': true in 3 of 80 scenes"):
        probes(network, frames, levels, [Label("rare", "class", (np.arange(80) < 3) * 1.0)], rng=rng)
    with pytest.raises(FeatureError, match="its scenes come from 1 levels, at least 10"):
        probes(network, frames, levels * 0, [label], rng=rng)
    with pytest.raises(FeatureError, match="'flat': all scenes have the same value, 2"):
        probes(network, frames, levels, [Label("flat", "number", np.full(80, 2.0))], rng=rng)
    with pytest.raises(FeatureError, match="a class is 0 or 1"):
        Label("three", "class", np.array([0.0, 3]))
    with pytest.raises(FeatureError, match="there are 79 frames"):
        probes(network, frames[1:], levels, [label], rng=rng)
    with pytest.raises(PolicyError, match="row of numbers, without places"):
        place_probes(network, frames, levels, np.zeros((80, 2)), name="coin", rng=rng, hooks="hidden.hook_post")
    with pytest.raises(FeatureError, match="in view in 0 levels"):
        place_probes(network, frames, levels, np.full((80, 2), np.nan), name="coin", rng=rng)


def test_a_network_that_sees_nothing_holds_less_than_untrained_ones_and_a_detector_more(scenes):
    frames, levels, _ = scenes
    present = Label("coin in view", "class", np.repeat([1.0, 0.0], 40))
    options = {"rng": np.random.default_rng(0), "hooks": HOOK, "networks": range(19)}
    detector = colour_detector()
    own, null = probe_nulls(detector, frames, levels, [present], **options)["coin in view", HOOK]
    kernel = ridge.kernel(activations(detector, frame_array(frames), HOOK, 64))
    (group,) = grouped([present], levels, 0, 1, 4, np.random.default_rng(0))
    assert own == pytest.approx(group(kernel)["coin in view"].mean())
    assert own > null.value
    blind = colour_detector()
    for name, parameter in blind.named_parameters():
        if name.startswith("block1"):
            parameter.data.zero_()
    noise = np.random.default_rng(1).integers(0, 100, (80, 64, 64, 3))
    lit = (noise + np.repeat([100, 0], 40)[:, None, None, None]).astype(np.uint8)  # any network sees that
    own, null = probe_nulls(blind, lit, levels, [present], **options)["coin in view", HOOK]
    assert own < null.low
    assert null.p == pytest.approx(1 / 20)
    with pytest.raises(FeatureError, match="at least one network"):
        probe_nulls(blind, frames, levels, [present], **{**options, "networks": ()})


@pytest.mark.parametrize("true", [7, 9, 11, 13, 17, 23])
def test_a_perfect_probe_of_classes_of_unequal_size_scores_1_whatever_is_lost_in_rounding(true):
    """Each scene weighs as its class is rare; the sum of such weights may come out a little above 1."""
    truth = np.arange(60) < true
    right = np.where(truth, 0.5 / truth.mean(), 0.5 / (1 - truth.mean()))
    scores = np.repeat(right[:, None], 3, axis=1)
    rng, most = np.random.default_rng(0), 0.5 / min(truth.mean(), 1 - truth.mean())
    score = judge("x", "class", "h", scores, {"pixels": scores}, np.arange(60), rng, most=most).score
    assert score.value == pytest.approx(1.0, abs=1e-12)
    assert score.low < score.value <= score.high == 1.0
