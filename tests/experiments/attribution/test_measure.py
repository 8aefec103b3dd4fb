"""What a network's outputs are attributed to, where that is known."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mechinterp.experiments.attribution import SLICE
from mechinterp.policies.readouts import READOUTS
from tests.experiments.planted_wall import HOOKS, measured, wall


@pytest.mark.slow
def test_movement_is_attributed_to_the_wall_channel_and_nothing_to_the_unused_coin():
    coin = sorted({node.channel for node in wall().channels["idle coin"]})
    (_, wall_channel) = wall().channels["wall"]
    found = measured(SLICE, SimpleNamespace(coin_channels={HOOKS[0]: tuple(coin)}))
    last = found.layers["movement"][HOOKS[1]]
    assert next(iter(last.channels)) == wall_channel.channel
    assert last.channels[wall_channel.channel].share.value == pytest.approx(1)
    assert last.needed == 1
    assert last.coin_excess is None
    first = found.layers["movement"][HOOKS[0]]
    assert first.coin_excess is not None
    width = wall().policy.shapes[HOOKS[0]][0]
    assert first.coin_excess.value == pytest.approx(-len(coin) / width)  # nothing falls on it
    assert not [what for what in found.left_out if what.startswith("attribution of movement")]
    assert found.frames == SLICE.sizes.quick.frames
    for readout, objects in found.objects.items():
        assert readout in READOUTS
        for own in objects.values():
            assert own.excess.value == pytest.approx(own.share.value - own.area.value)
            assert (own.share.null is not None) == (readout == "movement")
