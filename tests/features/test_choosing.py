"""What is chosen on some levels is reported on others, against the right nulls: arrays in which the two disagree."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from mechinterp.coinrun import GameOptions, LevelSource
from mechinterp.coinrun.scenes import render
from mechinterp.features import Contrasts, NullContrasts, NullResponses, attribute, right_directions, steering, things
from mechinterp.features.coin_channels import find_coin_channels, ranked
from mechinterp.features.hidden import _carried
from mechinterp.features.responses import ChannelResponses
from mechinterp.features.shares import untrained_shares
from mechinterp.features.variables import _contrasts
from mechinterp.policies import build
from tests.features.conftest import SMALL, painted

PAIRS, LEVELS, CHANNELS = 40, 8, 12
NETWORKS = 20


def made(variable: str, present: np.ndarray, absent: np.ndarray, first_level: int) -> Contrasts:
    levels = first_level + np.arange(len(present)) * LEVELS // len(present)
    dead = {"a": np.zeros(present.shape[1], bool)}
    return Contrasts(
        variable=variable, present={"a": present}, absent={"a": absent}, dead=dead, sides={"a": 0}, levels=levels
    )  # fmt: skip


def answers(rng: np.random.Generator, coin: np.ndarray, first_level: int, *, crate: float = 0.0) -> ChannelResponses:
    """Noise, to which the coin adds `coin` [pairs channels], and a crate `crate` times that."""
    absent = rng.normal(size=(PAIRS, CHANNELS))
    contrasts = {"coin": made("coin", absent + coin + rng.normal(0, 0.1, absent.shape), absent, first_level)}
    for name, share in (("crate", crate), ("saw", 0.0), ("enemy", 0.0)):
        other = absent + share * coin + rng.normal(0, 0.1, absent.shape)
        contrasts[name] = made(name, other, absent, first_level)
    return ChannelResponses(contrasts, {name: np.arange(PAIRS) for name in contrasts})


def ignorant(rng: np.random.Generator, first_level: int) -> NullResponses:
    nothing = np.zeros((PAIRS, CHANNELS))
    return NullResponses(tuple(answers(rng, nothing, first_level) for _ in range(NETWORKS)))


def test_a_channel_that_answers_in_one_level_alone_is_not_confirmed():
    """It stands out from every untrained network, but its answer minus the crate's has an interval that holds 0."""
    rng = np.random.default_rng(0)
    coin = np.zeros((PAIRS, CHANNELS))
    coin[:, 3] = 3  # in every scene
    coin[: PAIRS // LEVELS, 5] = 40  # in the scenes of one level
    parts = (answers(rng, coin, 0), ignorant(rng, 0), answers(rng, coin, LEVELS), ignorant(rng, LEVELS))
    assert ranked(parts[2], parts[3]).p["a", 5] <= 0.05
    assert ranked(parts[2], parts[3]).q["a", 5] <= 0.05
    assert {channel.channel for channel in find_coin_channels(*parts, rng=rng)} == {3}


def test_q_is_benjamini_and_hochbergs_of_the_ranks_among_all_untrained_channels():
    rng = np.random.default_rng(1)
    own = answers(rng, np.tile(np.linspace(0, 1.5, CHANNELS), (PAIRS, 1)), 0)
    null = ignorant(rng, 0)
    drawn = np.abs(np.concatenate([network.selective("a") for network in null.networks]))
    p = [(1 + (drawn >= abs(value)).sum()) / (1 + len(drawn)) for value in own.selective("a")]
    found = ranked(own, null).q
    assert [found["a", channel] for channel in range(CHANNELS)] == pytest.approx(false_discovery_control(p))


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
    assert row.beyond_both == 2
    assert row.beyond_both <= row.beyond_labels <= row.channels


def test_channels_beyond_both_nulls_are_not_those_that_tell_nothing():
    """Channels that tell nothing, where untrained ones tell much, lie far from those, and are not counted."""
    rng = np.random.default_rng(3)
    absent = rng.normal(size=(PAIRS, CHANNELS))
    told = made("x", absent + rng.normal(1.0, 0.1, absent.shape), absent, 0)
    nothing = made("x", absent + rng.normal(0.0, 0.1, absent.shape), absent, 0)
    null = NullContrasts((told,) * NETWORKS)
    (row,) = _contrasts("x", nothing, null, nothing, null, rng=rng)
    assert row.beyond_both == 0


def test_the_channels_that_carry_an_output_are_chosen_on_the_levels_that_choose():
    levels = np.arange(20)
    values = np.full((20, 6), 0.1)
    values[:8, 1] = 5
    values[8:, 4] = 5
    found = _carried("movement", "a", values, levels < 8, levels, np.array([], int), np.random.default_rng(0))
    assert found.channels[0] == 1
    assert found.shares[0].value == pytest.approx(0.1 / 5.5)


def test_random_directions_are_as_long_as_the_one_that_is_steered_with(monkeypatch):
    policy, frames = build(SMALL, seed=0).requires_grad_(False), painted(30).clean
    levels, lengths = np.arange(30), []
    changed = steering._changed

    def spied(policy, hook, frames, directions):
        lengths.append([float(one.norm()) for one in directions])
        return changed(policy, hook, frames, directions)

    monkeypatch.setattr(steering, "_changed", spied)
    parts = ((frames[:12], levels[:12]), (frames[12:], levels[12:]))
    right_directions(policy, *parts, rng=np.random.default_rng(0), hooks="hidden.hook_post", random=5)
    own, random = lengths
    assert own[0] == own[1] > 0
    assert random == pytest.approx([own[0]] * 10, rel=1e-5)


def test_shares_are_held_against_networks_with_random_weights_of_the_same_frames():
    source = LevelSource(GameOptions(), seed=0)
    states = [start.state for start in source.starts(range(7000, 7003))]
    source.close()
    frames = render(states)
    policy = build(SMALL, seed=0).requires_grad_(False)
    policy.get_parameter("block1.conv.weight")[:, 1:] = 0  # it sees red alone
    found = untrained_shares(policy, frames, states, target="movement", seeds=[5, 6])
    for column, seed in enumerate((5, 6)):
        other = build(SMALL, seed=seed).requires_grad_(False)
        values = np.abs(attribute(other, frames, target="movement", steps=8, tolerance=np.inf).values).sum(1)
        on_agent = [(v * things(state)["agent"]).sum() / v.sum() for v, state in zip(values, states, strict=True)]
        assert found["agent"][column] == pytest.approx(np.mean(on_agent), rel=1e-4)
    assert sum(shares[0] for shares in found.values()) == pytest.approx(1)
