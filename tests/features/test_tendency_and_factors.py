"""Right as a tendency, factors and names, against arithmetic done by hand and mixtures whose parts are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mechinterp.coinrun import LevelSource
from mechinterp.coinrun.engine import GameOptions
from mechinterp.features import FeatureError, movement_tendency, right_directions, things
from mechinterp.features.factorisation import factorise, named, recovery, train_sae
from mechinterp.policies import build
from mechinterp.policies.actions import movement_logodds
from mechinterp.policies.readouts import readout_values
from tests.features.conftest import SMALL, painted


def loud(seed: int = 0):
    """A small network that has preferences: at initialisation the logits are nearly zero."""
    policy = build(SMALL, seed=seed).requires_grad_(False)
    policy.get_parameter("logits.weight").mul_(200)
    policy.get_parameter("logits.bias").copy_(torch.linspace(-1, 1, 15))
    return policy


def test_the_parts_of_the_log_odds_add_up_to_them():
    policy, frames = loud(), painted(24).clean
    levels = np.arange(24)
    found = movement_tendency(policy, frames, levels, rng=np.random.default_rng(0))
    said = readout_values(policy, frames)["movement"]
    assert found.mean.value == pytest.approx(said.mean(), abs=1e-4)
    assert found.spread.value == pytest.approx(said.std(), abs=1e-4)
    assert sum(part.value for part in found.parts.values()) == pytest.approx(said.mean(), abs=1e-4)
    assert found.unit_means.sum() == pytest.approx(found.parts["units"].value, abs=1e-6)
    black = readout_values(policy, np.zeros((1, 64, 64, 3), np.uint8))["movement"][0]
    assert found.black == pytest.approx(black, abs=1e-4)
    square = said.mean() ** 2
    assert found.constant_share == pytest.approx(square / (square + said.var()), abs=1e-4)


def test_steering_the_last_layer_adds_the_difference_of_means_to_its_input():
    policy, frames = loud(), painted(48).clean
    levels = np.arange(48)
    first = levels < 20
    pair = ((frames[first], levels[first]), (frames[~first], levels[~first]))
    hook = "hidden.hook_post"
    (found,) = right_directions(policy, *pair, rng=np.random.default_rng(0), hooks=hook, random=10)
    h = policy.activations(torch.from_numpy(frames), hook)[hook]
    wants = readout_values(policy, frames)["movement"]
    low, high = np.quantile(wants[first], [1 / 3, 2 / 3])
    more, less = (torch.from_numpy(first & side) for side in (wants >= high, wants <= low))
    direction = h[more].mean(0) - h[less].mean(0)
    changes = []
    for sign in (1, -1):
        logits = policy.get_submodule("logits")(h[~torch.from_numpy(first)] + sign * direction)
        changes.append(movement_logodds(logits, policy.actions).numpy() - wants[~first])
    assert found.added.value == pytest.approx(changes[0].mean(), abs=1e-3)
    assert found.removed.value == pytest.approx(changes[1].mean(), abs=1e-3)
    assert found.both_ways.value == pytest.approx(((changes[0] > 0) & (changes[1] < 0)).mean())
    assert found.added.low > 0 > found.removed.high
    assert found.added.null is not None
    seen = np.round(found.added.null.p * 11, 6)  # one side is asked: steps of 1 / 11, and no factor of 2
    assert seen in range(1, 6)
    with pytest.raises(FeatureError, match="must differ"):
        right_directions(policy, pair[0], pair[0], rng=np.random.default_rng(0))


def mixture(frames: int, rng: np.random.Generator) -> np.ndarray:
    """Three sources of channels that never share one, each somewhere else in every frame."""
    mixing = np.zeros((3, 9))
    mixing[0, :3], mixing[1, 3:6], mixing[2, 6:] = 1, (1, 2, 1), (2, 0, 1)
    where = rng.random((frames, 6, 6, 3)) * (rng.random((frames, 6, 6, 3)) < 0.2)
    return (where @ mixing).transpose(0, 3, 1, 2).astype(np.float32), mixing


def test_factors_of_a_mixture_are_its_sources():
    rng = np.random.default_rng(0)
    values, mixing = mixture(40, rng)
    held, _ = mixture(20, rng)
    found = factorise(values, held, factors=3, rng=rng)
    truth = mixing / np.linalg.norm(mixing, axis=1, keepdims=True)
    assert (found.channels @ truth.T).max(0) == pytest.approx(np.ones(3), abs=1e-2)
    assert found.explained > 0.99
    signed = factorise(values - 2 * np.roll(values, 1, 0), held, factors=3, rng=rng)
    assert (signed.channels @ truth.T).max(0) == pytest.approx(np.ones(3), abs=1e-1)
    with pytest.raises(FeatureError, match="0 of 9 channels are ever active"):
        factorise(np.zeros_like(values), held, factors=3, rng=rng)
    with pytest.raises(FeatureError, match="need maps"):
        factorise(values[:, :, 0, 0], held, factors=3, rng=rng)


def test_the_autoencoder_rebuilds_a_sparse_mixture_and_keeps_to_k():
    rng = np.random.default_rng(0)
    values, held = mixture(60, rng)[0], mixture(30, rng)[0]
    found = train_sae("somewhere", values, held, rng=rng, latents=24, k=3, steps=250)
    assert found.explained > 0.9
    latents = found.latents(held)
    assert ((latents > 0).sum(1) <= 3).all()
    rebuilt = found.rebuilt(torch.from_numpy(held)).numpy()
    rows = np.moveaxis(held, 1, -1).reshape(-1, 9)
    left = ((rebuilt - held) ** 2).sum() / ((rows - rows.mean(0)) ** 2).sum()
    assert found.explained == pytest.approx(1 - left, abs=1e-4)
    again = train_sae("somewhere", values, held, rng=np.random.default_rng(5), latents=24, k=3, steps=5)
    same = train_sae("somewhere", values, held, rng=np.random.default_rng(5), latents=24, k=3, steps=5)
    assert again.explained == same.explained
    with pytest.raises(FeatureError, match="a dead layer"):
        train_sae("somewhere", np.ones_like(values), held, rng=rng)
    with pytest.raises(FeatureError, match="k must be 1 to 24"):
        train_sae("somewhere", values, held, rng=rng, latents=24, k=25)


def test_a_perfect_reconstruction_recovers_everything_and_a_constant_one_nothing(monkeypatch):
    policy, frames, hook = loud(), painted(20).clean, "trunk.hook_relu"
    values = policy.activations(torch.from_numpy(frames), hook)[hook]
    trained = train_sae(hook, values.numpy(), values.numpy(), rng=np.random.default_rng(0), latents=16, k=4, steps=3)
    monkeypatch.setattr(type(trained), "rebuilt", lambda self, v: v.clone())
    whole = recovery(policy, trained, frames, np.arange(20), rng=np.random.default_rng(0))
    assert whole.divergence["reconstruction"].value == pytest.approx(0, abs=1e-9)
    assert whole.agreement["reconstruction"].value == 1
    monkeypatch.setattr(type(trained), "rebuilt", lambda self, v: values.mean(0, keepdim=True).expand_as(v))
    nothing = recovery(policy, trained, frames, np.arange(20), rng=np.random.default_rng(0))
    assert nothing.divergence["reconstruction"].value == pytest.approx(nothing.divergence["mean"].value)
    assert nothing.recovered.value == pytest.approx(0, abs=1e-6)


def test_a_map_made_of_the_ground_is_named_ground_and_one_of_noise_scores_nothing():
    source = LevelSource(GameOptions(), seed=0)
    states = [start.state for start in source.starts(range(7000, 7016))]
    source.close()
    ground = np.stack([things(state)["ground"] for state in states]).astype(float)
    small = ground.reshape(16, 8, 8, 8, 8).mean((2, 4))
    noise = np.random.default_rng(0).random((16, 8, 8))
    levels = np.arange(16)
    first, second, third = named(
        np.stack([small, noise, 1 - small], 1), states, levels, np.arange(8), rng=np.random.default_rng(0)
    )
    assert first.name == "ground"
    assert first.score.low > 0.99
    assert abs(second.score.value) < 0.2
    assert third.name in ("sky", "no ground")
    with pytest.raises(FeatureError, match="one of each"):
        named(np.stack([small], 1), states[:3], levels, np.arange(8), rng=np.random.default_rng(0))
