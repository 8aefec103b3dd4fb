"""Segmentation of frames, and how an attribution spreads over objects, against sums done by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp.coinrun import GameOptions, LevelSource
from mechinterp.coinrun.scenes import render
from mechinterp.features import (
    FeatureError,
    InputAttribution,
    attribute_inputs,
    object_masks,
    object_shares,
    untrained_object_shares,
)
from mechinterp.policies import build
from tests.features.conftest import SMALL


@pytest.fixture(scope="module")
def states():
    source = LevelSource(GameOptions(), seed=0)
    found = [start.state for start in source.starts(range(7000, 7003))]
    source.close()
    return found


def test_each_pixel_shows_one_kind_of_object(states):
    for state in states:
        masks = np.stack(list(object_masks(state).values()))
        assert (masks.sum(0) == 1).all()


def test_shares_are_sums_over_masks_and_an_object_in_one_level_alone_is_left_out(states):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 3, 64, 64)).astype(np.float32)
    attribution = InputAttribution(
        method="integrated gradients", target="movement", hook="hook_input", values=values, change=None,
        steps=np.zeros(3, int),
    )  # fmt: skip
    masks = [object_masks(state) for state in states]
    null = {kind: np.linspace(0, 1, 20) for kind in masks[0]}
    found = object_shares(attribution, states, np.arange(3), rng=rng, null=null)
    in_view = {kind for kind in masks[0] if sum(mask[kind].any() for mask in masks) >= 2}
    assert set(found) == in_view
    for kind, own in found.items():
        size = np.abs(values).sum(1)
        shares = [(s * mask[kind]).sum() / s.sum() for s, mask in zip(size, masks, strict=True)]
        areas = [mask[kind].mean() for mask in masks]
        assert own.share.value == pytest.approx(np.mean(shares), rel=1e-6)
        assert own.area.value == pytest.approx(np.mean(areas))
        assert own.excess.value == pytest.approx(np.mean(shares) - np.mean(areas), abs=1e-6)
        assert own.share.null is not None
        assert own.excess.null is None
    assert sum(own.share.value for own in found.values()) <= 1 + 1e-9
    with pytest.raises(FeatureError, match="shares: 2 states for 3 frames attributed to hook_input"):
        object_shares(attribution, states[:2], np.arange(2), rng=rng)


def test_the_null_has_untrained_networks_on_the_same_frames(states):
    frames = render(states)
    policy = build(SMALL, seed=0).requires_grad_(False)
    policy.get_parameter("block1.conv.weight")[:, 1:] = 0  # it sees red alone
    found = untrained_object_shares(policy, frames, states, target="movement", seeds=[5, 6])
    for column, seed in enumerate((5, 6)):
        other = build(SMALL, seed=seed).requires_grad_(False)
        values = np.abs(attribute_inputs(other, frames, target="movement", steps=8, tolerance=np.inf).values).sum(1)
        on_agent = [(v * object_masks(state)["agent"]).sum() / v.sum() for v, state in zip(values, states, strict=True)]
        assert found["agent"][column] == pytest.approx(np.mean(on_agent), rel=1e-4)
    assert sum(shares[0] for shares in found.values()) == pytest.approx(1)
