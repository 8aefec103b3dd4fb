"""What is chosen on some levels is reported on others, against the right nulls: arrays in which the two disagree."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from mechinterp.features import Contrasts, NullResponses
from mechinterp.features.coin_channels import find_coin_channels, ranked
from mechinterp.features.responses import ChannelResponses

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
