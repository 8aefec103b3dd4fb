"""Blinding a layer: what the edits do, and that the layer of a planted coin is found."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mechinterp.circuits.planted import planted_network
from mechinterp.features.blinding import blinding, distance, layer_values, movement
from mechinterp.features.errors import FeatureError
from mechinterp.policies import readouts
from mechinterp.policies.stages import stage_outputs
from tests.experiments.planted_wall import subject


@pytest.fixture(scope="module")
def coin():
    return planted_network("coin", distractors=0.0)


@pytest.fixture(scope="module")
def pairs(coin):
    return subject(coin.policy).pairs("coin presence", levels=16, per_level=2)


@pytest.mark.parametrize("way", ["channels", "direction"])
def test_a_planted_coin_is_blinded_perfectly(coin, pairs, way):
    policy = coin.policy
    found = blinding(policy, pairs.clean, pairs.corrupted, thing="coin", hooks=stage_outputs(policy), way=way)
    own = distance(policy, None, pairs.clean, pairs.corrupted)
    expected = np.abs(
        np.diff([readouts.readout_values(policy, f)["movement"] for f in (pairs.clean, pairs.corrupted)], axis=0)[0]
    )
    np.testing.assert_allclose(own, expected, atol=1e-5)  # without an edit it is the size of the coin's effect
    assert own.mean() > 0.5
    assert found.distance < 0.02 * own.mean()
    random = [
        distance(policy, found.random(np.random.default_rng(s)), pairs.clean, pairs.corrupted).mean() for s in range(5)
    ]
    assert max(random) > 0.5 * own.mean()


def test_each_way_is_its_formula(coin, pairs):
    policy, hook = coin.policy, "block2.res1.hook_out"
    channels, direction = (
        blinding(policy, pairs.clean, pairs.corrupted, thing="coin", hooks=[hook], way=way)
        for way in ("channels", "direction")
    )
    with_it, without = layer_values(policy, pairs.clean, hook), layer_values(policy, pairs.corrupted, hook)
    change = (with_it - without).sum((2, 3)).mean(0)
    torch.testing.assert_close(direction.direction, change)
    unit = change / change.norm()
    expected = with_it - torch.einsum("nchw,c->nhw", with_it, unit)[:, None] * unit[:, None, None]
    torch.testing.assert_close(direction.edit(with_it), expected, atol=1e-5, rtol=1e-4)
    ablated = channels.edit(with_it)
    chosen = list(channels.channels)
    others = [c for c in range(8) if c not in chosen]
    assert len(chosen) == 2
    torch.testing.assert_close(ablated[:, chosen], without.mean(0)[chosen].expand(len(with_it), -1, -1, -1))
    assert torch.equal(ablated[:, others], with_it[:, others])
    drawn = channels.random(np.random.default_rng(0))
    assert drawn.hook == hook
    assert len(drawn.channels) == 2


def test_movement_is_that_of_the_network(coin, pairs):
    found = movement(coin.policy, pairs.clean, [(), ()])
    expected = readouts.readout_values(coin.policy, pairs.clean)["movement"]
    np.testing.assert_allclose(found, np.stack([expected, expected]), atol=1e-5)


def test_what_cannot_be_blinded_is_refused(coin, pairs):
    frames = pairs.clean, pairs.corrupted
    with pytest.raises(FeatureError, match="did you mean 'direction'"):
        blinding(coin.policy, *frames, thing="coin", hooks=["block1.hook_pool"], way="directions")
    with pytest.raises(FeatureError, match="none of hidden"):
        blinding(coin.policy, *frames, thing="coin", hooks=["hidden.hook_post"], way="channels")
    with pytest.raises(FeatureError, match="maps that change with it"):
        blinding(coin.policy, frames[0], frames[0], thing="coin", hooks=["block1.hook_pool"], way="channels")
