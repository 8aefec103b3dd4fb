"""Contrasts against arithmetic done by hand, and on networks whose answer is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from mechinterp.features import Contrasts, FeatureError, NullContrasts, contrasts, null_contrasts
from mechinterp.features.correlations import correlations, estimates
from mechinterp.policies import UnknownHook, build, stage_outputs
from mechinterp.stats import TooFewSamples, areas
from tests.features.conftest import SMALL, colour_detector, painted


def test_the_statistic_is_pearsons_correlation_with_the_label():
    rng = np.random.default_rng(0)
    absent = rng.normal(3, 2, (40, 5))
    present = absent + rng.normal([0, 1, -1, 5, 0.2], 1, (40, 5))
    label = np.repeat([1, 0], 40)
    expected = [np.corrcoef(label, np.r_[present[:, c], absent[:, c]])[0, 1] for c in range(5)]
    assert correlations(present, absent) == pytest.approx(expected)
    beaten = [(present[:, c, None] > absent[:, c]).mean() for c in range(5)]
    assert areas(present, absent) == pytest.approx(beaten)


def test_a_perfect_detector_has_1_and_a_silent_channel_0():
    present, absent = np.ones((6, 3)), np.zeros((6, 3))
    present[:, 1] = 0
    present[:, 2] = absent[:, 2] = 0.3
    assert correlations(present, absent).tolist() == [1, 0, 0]
    found = estimates(present, absent, names=["a", "b", "c"], clusters=np.arange(6), rng=np.random.default_rng(0))
    assert [(e.value, e.low, e.high) for e in found] == [(1, 1, 1), (0, 0, 0), (0, 0, 0)]


def test_rounding_of_a_constant_channel_is_no_contrast():
    present = np.full((20, 1), 1 / 3, np.float32)
    absent = np.nextafter(present, np.float32(1))
    assert correlations(present, absent).tolist() == [0]


def test_intervals_cover_and_count_levels():
    """1 of 20 intervals may miss; levels carry a shift of their own, so that rows alone would make them too short."""
    missed = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        scene, effect = rng.normal(0, 1, (30, 1)).repeat(4, 0), rng.normal(0.8, 1, (30, 1)).repeat(4, 0)
        (e,) = estimates(
            scene + effect, scene, names=["x"], clusters=np.arange(120) // 4, rng=rng, resamples=400
        )  # fmt: skip
        assert e.n == 30
        truth = 0.8 / (2 * np.sqrt(1 + 0.5 + 0.16))  # total variance: scene, half the effect's, and the shift's
        missed += e.excludes(truth)
    assert missed <= 6


def test_values_are_means_around_the_place(pairs):
    policy = build(SMALL, seed=2)
    hook = "block1.hook_pool"  # centres at 0.5, 2.5, ...
    found = contrasts(policy, pairs, hooks=[hook, "hidden.hook_post", "hook_value"], batch=7)
    maps = policy.activations(torch.from_numpy(pairs.clean), hook).numpy()
    for pair, (row, column) in enumerate(pairs.centres):
        r, c = round(row / 2), round(column / 2)
        window = maps[pair, :, max(r - 1, 0) : r + 2, max(c - 1, 0) : c + 2]
        assert found.present[hook][pair] == pytest.approx(window.mean((1, 2)), abs=1e-5)
    hidden = policy.activations(torch.from_numpy(pairs.corrupted), "hidden.hook_post")
    assert found.absent["hidden.hook_post"] == pytest.approx(hidden.numpy(), abs=1e-5)
    assert found.present["hook_value"].shape == (30, 1)
    assert found.sides == {hook: 32, "hidden.hook_post": 0, "hook_value": 0}


def test_a_written_colour_detector_is_found_and_nothing_else_is_claimed():
    policy, pairs = colour_detector(channel=3), painted(60)
    hook = "block1.res1.hook_relu1"
    found = contrasts(policy, pairs, hooks=hook)
    null = null_contrasts(policy, pairs, hooks=hook, seeds=range(10, 30))
    rows = found.levels < 20
    assert found.select(rows).top(1, null=null.select(rows)) == [(hook, 3)]
    held, held_null = found.select(~rows), null.select(~rows)
    by_name = {e.name: e for e in held.estimates(rng=np.random.default_rng(0), null=held_null)}
    planted = by_name[f"contrast of {hook} channel 3"]
    assert planted.low > 0.8
    assert planted.null is not None
    assert planted.null.p == pytest.approx(1 / 21)
    assert planted.low > planted.null.high
    for adjusted in (held_null.p_values(held), held_null.q_values(held)):
        assert {channel for channel, value in adjusted.items() if value < 0.05} == {(hook, 3)}
    assert areas(held.present[hook], held.absent[hook])[3] > 0.99


@pytest.fixture(scope="module")
def untrained_networks():
    pairs = painted(24)
    return [contrasts(build(SMALL, seed=seed), pairs) for seed in range(20)]


def test_an_untrained_network_is_said_to_know_something_no_more_often_than_it_may(untrained_networks):
    """The whole procedure on 20 networks that know nothing: one in 20 at most may report any channel."""
    reports = 0
    for i, network in enumerate(untrained_networks):
        null = NullContrasts(tuple(n for j, n in enumerate(untrained_networks) if j != i))
        reports += min(null.p_values(network).values()) <= 0.05
    assert reports <= 1


def test_p_and_q_are_ranks_among_untrained_networks(untrained_networks):
    found, null = untrained_networks[0], NullContrasts(tuple(untrained_networks[1:8]))
    scores = {h: null.scores(found, h) for h in found.hooks}
    p, q = null.p_values(found), null.q_values(found)
    farthest = max(p, key=lambda channel: abs(scores[channel[0]][channel[1]]))
    assert p[farthest] == min(p.values())
    assert q[farthest] == min(q.values())
    assert set(np.round(np.array(list(p.values())) * 8, 6)) <= set(range(1, 9))
    pool = np.concatenate([n.effect("hidden.hook_post")[~n.silent("hidden.hook_post")] for n in untrained_networks[:8]])
    edge = np.quantile(np.abs(np.arctanh(pool)), 0.95)
    unit = int(np.flatnonzero(~found.silent("hidden.hook_post"))[0])
    expected = np.arctanh(found.effect("hidden.hook_post")[unit]) / edge
    assert scores["hidden.hook_post"][unit] == pytest.approx(expected)


def test_a_channel_that_tells_nothing_is_not_beyond_untrained_ones_that_tell_something():
    """Untrained channels rise by about 0.5 here; the policy's tell nothing, but for one that tells everything."""
    rng = np.random.default_rng(0)

    def made(shift: np.ndarray) -> Contrasts:
        absent = rng.normal(size=(60, len(shift)))
        return Contrasts(
            variable="x", present={"a": absent + rng.normal(shift, 0.05, absent.shape)}, absent={"a": absent},
            dead={"a": np.zeros(len(shift), bool)}, sides={"a": 0}, levels=np.arange(60),
        )  # fmt: skip

    null = NullContrasts(tuple(made(rng.normal(1.1, 0.05, 16)) for _ in range(20)))
    found = made(np.array([*np.zeros(15), 9.0]))
    assert found.effect("a")[:15] == pytest.approx(np.zeros(15), abs=0.1)
    assert np.median(null.effects("a")) > 0.4
    q = null.q_values(found)
    assert {channel for channel, value in q.items() if value <= 0.05} == {("a", 15)}
    assert null.p_values(found)["a", 0] == 1


def test_the_null_is_made_of_the_same_pairs(small, pairs):
    found, null = contrasts(small, pairs), null_contrasts(small, pairs, seeds=[1, 2])
    with pytest.raises(FeatureError, match="other pairs"):
        null.p_values(found.select(np.arange(20)))
    own = contrasts(build(SMALL, seed=2), pairs)
    assert (null.networks[1].effect("hidden.hook_post") == own.effect("hidden.hook_post")).all()


def test_dead_and_silent_channels_are_told_apart(pairs):
    policy = colour_detector(channel=3)
    conv = policy.get_submodule("block1.conv")
    with torch.no_grad():
        conv.weight[5] = 0
        conv.bias[5] = 0.7
        policy.get_submodule("hidden.linear").bias[4] = -1e6
    hooks = ["block1.hook_pool", "hidden.hook_post"]
    found, null = contrasts(policy, pairs, hooks=hooks), null_contrasts(policy, pairs, hooks=hooks, seeds=[1, 2])
    assert np.flatnonzero(found.dead["block1.hook_pool"]).tolist() == [5]
    assert found.dead["hidden.hook_post"][4]
    for adjusted in (null.p_values(found), null.q_values(found)):
        assert adjusted["block1.hook_pool", 5] == adjusted["hidden.hook_post", 4] == 1
    assert ("block1.hook_pool", 5) not in found.top(len(found.channels()) - 1 - found.silent("hidden.hook_post").sum())


def test_pairs_without_the_object_in_view_are_left_out_and_counted(small, pairs):
    hidden = dataclasses.replace(pairs, centres=np.where(np.arange(30)[:, None] < 10, -1, pairs.centres))
    found = contrasts(small, hidden, hooks="block1.hook_pool")
    assert (len(found), found.out_of_view) == (20, 10)
    assert found.levels.min() == 10
    with pytest.raises(FeatureError, match="painted coin: the object is in view in none of the 30"):
        contrasts(small, dataclasses.replace(pairs, centres=np.full((30, 2), -1)))


def test_places_may_be_given(small, pairs):
    own = contrasts(small, pairs, hooks="block1.hook_pool", places=pairs.centres + 0.5)
    assert (own.present["block1.hook_pool"] == contrasts(small, pairs).present["block1.hook_pool"]).all()
    with pytest.raises(FeatureError, match=r"for each of 30 pairs, got \(29, 2\)"):
        contrasts(small, pairs, places=pairs.centres[1:])
    with pytest.raises(FeatureError, match="outside the 64 x 64 frame"):
        contrasts(small, pairs, places=pairs.centres + 40.0)


def test_bad_input(small, pairs):
    with pytest.raises(UnknownHook, match=r"block1.hook_poll.*did you mean 'block1.hook_pool'"):
        contrasts(small, pairs, hooks="block1.hook_poll")
    with pytest.raises(FeatureError, match=r"frames must be uint8 \[frames, 64, 64, 3\].*32, 32"):
        contrasts(small, dataclasses.replace(pairs, clean=pairs.clean[:, :32, :32]))
    found = contrasts(small, pairs)
    with pytest.raises(UnknownHook, match=r"trunk\.hook_rely"):
        found.effect("trunk.hook_rely")
    with pytest.raises(TooFewSamples, match="at least 2 levels, got 1"):
        found.select(np.array([0])).estimates(rng=np.random.default_rng(0))
    with pytest.raises(FeatureError, match="leaves one part empty"):
        found.select(np.array([0, 1])).split(0.1, np.random.default_rng(0))
    with pytest.raises(FeatureError, match="at least one network"):
        null_contrasts(small, pairs, seeds=[])


def test_a_split_shares_no_level(small):
    found = contrasts(small, painted(40, per_level=4), hooks=stage_outputs(small)[0])
    first, second = found.split(0.3, np.random.default_rng(0))
    assert not set(first.levels) & set(second.levels)
    assert (len(first), len(second)) == (12, 28)
