"""Which channels respond to a variable: arrays in which choosing and reporting, or the two nulls, disagree."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mechinterp.features import Contrasts, FeatureError, NullContrasts
from mechinterp.features.variables import _contrasts, largest_difference, permutation_p_values
from tests.features.conftest import painted
from tests.features.test_choosing import CHANNELS, LEVELS, NETWORKS, PAIRS, made


def test_the_strongest_channel_is_that_of_the_levels_that_choose():
    """Channel 2 is strongest where it is chosen, channel 7 where it is reported on; the latter is not named."""
    rng = np.random.default_rng(2)

    def contrast(shifts: dict[int, float], first_level: int, rng: np.random.Generator) -> Contrasts:
        absent = rng.normal(size=(PAIRS, CHANNELS))
        shift = np.array([shifts.get(channel, 0.0) for channel in range(CHANNELS)])
        return made("x", absent + rng.normal(shift, 0.3, absent.shape), absent, first_level)

    nulls = [NullContrasts(tuple(contrast({}, at, rng) for _ in range(NETWORKS))) for at in (0, LEVELS)]
    choose, report = contrast({2: 4.0, 7: 1.0}, 0, rng), contrast({2: 1.0, 7: 4.0}, LEVELS, rng)
    (row,) = _contrasts("x", choose, nulls[0], report, nulls[1], rng=rng)
    assert row.channel == 2
    assert row.strongest.value == pytest.approx(report.effect("a")[2])
    assert row.above_untrained == 2
    assert row.above_untrained <= row.discriminating <= row.active


def test_channels_that_discriminate_nothing_are_not_counted_as_beyond_untrained_ones():
    """Where untrained channels respond strongly, channels that do not respond lie far from them; they do not count."""
    rng = np.random.default_rng(3)
    absent = rng.normal(size=(PAIRS, CHANNELS))
    strong = made("x", absent + rng.normal(1.0, 0.1, absent.shape), absent, 0)
    nothing = made("x", absent + rng.normal(0.0, 0.1, absent.shape), absent, 0)
    null = NullContrasts((strong,) * NETWORKS)
    (row,) = _contrasts("x", nothing, null, nothing, null, rng=rng)
    assert row.above_untrained == 0


def test_permuting_labels_is_flipping_the_signs_of_levels():
    rng = np.random.default_rng(0)
    levels = np.arange(9).repeat(3)
    absent = rng.normal(size=(27, 4)).astype(np.float32)
    present = (absent + rng.normal([0, 0.5, 1, 0], 1, (27, 4))).astype(np.float32)
    present[:, 3] = absent[:, 3]
    own = Contrasts(
        variable="x", present={"a": present[:, :2], "b": present[:, 2:]},
        absent={"a": absent[:, :2], "b": absent[:, 2:]}, dead={}, sides={"a": 0, "b": 0}, levels=levels,
    )  # fmt: skip
    signs = 1 - 2 * (np.arange(2**9)[:, None] >> np.arange(9) & 1)
    means = (present.astype(float) - absent).reshape(9, 3, 4).sum(1)
    flipped, observed = signs @ means, means.sum(0)
    tails = np.minimum((flipped >= observed - 1e-9).mean(0), (flipped <= observed + 1e-9).mean(0))
    assert permutation_p_values(own, rng) == pytest.approx(np.minimum(1, 2 * tails), abs=0.02)


def test_a_silent_layer_has_no_active_channel_and_too_few_networks_are_named():
    rng = np.random.default_rng(4)
    absent = rng.normal(size=(PAIRS, CHANNELS))
    own = made("x", np.ones_like(absent), np.ones_like(absent), 0)
    loud = made("x", absent + 1, absent, 0)
    (row,) = _contrasts("x", own, NullContrasts((loud,) * NETWORKS), own, NullContrasts((loud,) * NETWORKS), rng=rng)
    assert (row.active, row.discriminating, row.above_untrained, row.strength) == (0, 0, 0, 0.0)
    with pytest.raises(FeatureError, match="contrasts of 'x': a: only 0 channels of 2 untrained networks respond"):
        _contrasts("x", own, NullContrasts((own,) * 2), own, NullContrasts((own,) * 2), rng=rng)


def test_the_largest_difference_is_that_of_any_activation(small):
    pairs = painted(5)
    hooks = ["block1.hook_pool", "hidden.hook_post"]
    expected = 0.0
    for hook in hooks:
        one, other = (small.activations(torch.from_numpy(side), hook) for side in (pairs.clean, pairs.corrupted))
        expected = max(expected, float((one - other).abs().max()))
    assert largest_difference(small, pairs, hooks) == pytest.approx(expected)
