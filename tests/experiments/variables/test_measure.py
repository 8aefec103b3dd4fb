"""Which channels respond to what, in a network where that is known."""

from __future__ import annotations

import pytest

from mechinterp.experiments.inputs.localization import localization_data
from mechinterp.experiments.variables import SLICE
from mechinterp.features.variables import largest_difference
from tests.experiments.planted_wall import HOOKS, inputs, measured, wall


@pytest.mark.slow
def test_the_planted_channels_of_the_coin_and_of_the_wall_are_the_strongest():
    found = measured(SLICE)
    assert set(found.contrasts) >= {"coin", "coin side", "end wall", "crate", "saw"}
    coin = {node.channel for node in wall().channels["idle coin"]}
    (_, wall_channel) = wall().channels["wall"]
    assert wall_channel.hook.startswith("block2")
    own = found.contrasts["coin"][HOOKS[0]]
    assert own.channel in coin
    assert 1 <= own.discriminating <= own.active  # one untrained network of 20 has a channel that is as strong
    assert own.strength > own.untrained_strength
    lava = found.contrasts["lava"][HOOKS[1]]  # no channel of this block sees any
    assert lava.discarded
    assert lava.strength_p == pytest.approx(1 / 21)
    assert not own.discarded
    end = found.contrasts["end wall"][HOOKS[1]]
    assert end.channel == wall_channel.channel
    assert end.strongest.low > max(0.5, found.contrasts["coin"][HOOKS[1]].strongest.high)
    assert found.untrained_networks == 20
    assert found.left_out == {}


@pytest.mark.slow
def test_a_picture_of_a_coin_is_a_coin_and_the_check_can_fail():
    found = measured(SLICE)
    assert found.picture_difference == 0
    assert found.pictures >= 20
    scenes = inputs()(localization_data).scenes
    assert largest_difference(wall().policy, scenes.coin, HOOKS) > 0.1  # a real coin against none does differ
