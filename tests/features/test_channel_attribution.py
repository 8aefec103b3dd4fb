"""Channels chosen on some levels and reported on others; layers that nothing reads."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp.features import FeatureError, channel_attributions
from mechinterp.features.channel_attribution import _summary, channels_needed
from mechinterp.policies.readouts import READOUTS, readout_values
from tests.features.conftest import loud, painted


def test_the_channels_of_a_readout_are_chosen_on_the_levels_that_choose():
    levels = np.arange(20)
    values = np.full((20, 6), 0.1)
    values[:8, 1] = 5
    values[8:, 4] = 5
    found = _summary("movement", "a", values, levels < 8, levels, np.array([], int), np.random.default_rng(0))
    assert found.channels[0] == 1
    assert found.shares[0].value == pytest.approx(0.1 / 5.5)
    assert found.means[0].value == pytest.approx(0.1)
    assert found.coin_excess is None
    coin = _summary("movement", "a", values, levels < 8, levels, np.array([4, 5]), np.random.default_rng(0))
    assert coin.coin_excess is not None
    assert coin.coin_excess.value == pytest.approx(5.1 / 5.5 - 2 / 6)


def test_so_many_channels_cover_most():
    assert channels_needed(np.array([1.0, 5.0, 4.0])) == 2  # 9 of 10
    assert channels_needed(np.array([1.0, 1.0, 1.0, 1.0, 1.0])) == 4
    assert channels_needed(np.array([0.0, 2.0])) == 1


def test_every_readout_at_every_hook_point_and_what_nothing_reads():
    policy, frames = loud(), painted(12).clean
    policy.get_parameter("value.weight").zero_()
    levels = np.arange(12)
    hooks = ("block2.hook_pool", "hidden.hook_post")
    found, left_out = channel_attributions(
        policy, frames, levels, levels[:5], rng=np.random.default_rng(0), hooks=hooks, coin_channels={hooks[0]: (1, 2)}
    )
    assert [(one.readout, one.hook) for one in found] == [(r, h) for h in hooks for r in READOUTS if r != "value"]
    assert left_out == {f"attribution of value to {hook}": "it depends on no channel there" for hook in hooks}
    movement = next(one for one in found if one.readout == "movement" and one.hook == hooks[1])
    assert movement.coin_excess is None
    # at the last layer all channels together make up the change of the readout from the mean frame
    mean = np.repeat(frames.mean(0, keepdims=True).round().astype(np.uint8), len(frames), 0)
    change = readout_values(policy, frames)["movement"] - readout_values(policy, mean)["movement"]
    whole, _ = channel_attributions(
        policy, frames, levels, levels[:5], rng=np.random.default_rng(0), hooks=hooks[1:], coin_channels={}
    )
    signed = next(one for one in whole if one.readout == "movement")
    assert abs(sum(e.value for e in signed.means)) <= np.abs(change[5:]).max() * 12
    with pytest.raises(FeatureError, match="of levels that choose, and of at least 2 others"):
        channel_attributions(
            policy, frames, levels, levels, rng=np.random.default_rng(0), hooks=hooks, coin_channels={}
        )
