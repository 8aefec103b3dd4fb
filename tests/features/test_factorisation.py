"""NMF, sparse autoencoders and labels, against mixtures whose sources are known and the game's own state."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mechinterp.coinrun import LevelSource
from mechinterp.coinrun.engine import GameOptions
from mechinterp.features import FeatureError, object_masks
from mechinterp.features.factorisation import fit_nmf, label_factors, loss_recovered, train_sae
from tests.features.conftest import loud, painted


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
    found = fit_nmf(values, held, factors=3, rng=rng)
    truth = mixing / np.linalg.norm(mixing, axis=1, keepdims=True)
    assert (found.components @ truth.T).max(0) == pytest.approx(np.ones(3), abs=1e-2)
    assert found.explained > 0.99
    signed = fit_nmf(values - 2 * np.roll(values, 1, 0), held, factors=3, rng=rng)
    assert (signed.components @ truth.T).max(0) == pytest.approx(np.ones(3), abs=1e-1)
    with pytest.raises(FeatureError, match="0 of 9 channels are ever active"):
        fit_nmf(np.zeros_like(values), held, factors=3, rng=rng)
    with pytest.raises(FeatureError, match="need maps"):
        fit_nmf(values[:, :, 0, 0], held, factors=3, rng=rng)


def test_the_autoencoder_rebuilds_a_sparse_mixture_and_keeps_to_k():
    rng = np.random.default_rng(0)
    values, held = mixture(60, rng)[0], mixture(30, rng)[0]
    found = train_sae("somewhere", values, held, rng=rng, latents=24, k=3, steps=250)
    assert found.explained > 0.9
    latents = found.latents(held)
    assert ((latents > 0).sum(1) <= 3).all()
    rebuilt = found.reconstruct(torch.from_numpy(held)).numpy()
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
    values = policy.activations(torch.from_numpy(frames), hook)
    sae = train_sae(hook, values.numpy(), values.numpy(), rng=np.random.default_rng(0), latents=16, k=4, steps=3)
    monkeypatch.setattr(type(sae), "reconstruct", lambda self, v: v.clone())
    whole = loss_recovered(policy, sae, frames, np.arange(20), rng=np.random.default_rng(0))
    assert whole.divergence["reconstruction"].value == pytest.approx(0, abs=1e-9)
    assert whole.agreement["reconstruction"].value == 1
    monkeypatch.setattr(type(sae), "reconstruct", lambda self, v: values.mean(0, keepdim=True).expand_as(v))
    nothing = loss_recovered(policy, sae, frames, np.arange(20), rng=np.random.default_rng(0))
    assert nothing.divergence["reconstruction"].value == pytest.approx(nothing.divergence["mean"].value)
    assert nothing.recovered.value == pytest.approx(0, abs=1e-6)


def test_a_map_made_of_the_ground_is_named_ground_and_one_of_noise_scores_nothing():
    source = LevelSource(GameOptions(), seed=0)
    states = [start.state for start in source.starts(range(7000, 7016))]
    source.close()
    ground = np.stack([object_masks(state)["ground"] for state in states]).astype(float)
    small = ground.reshape(16, 8, 8, 8, 8).mean((2, 4))
    noise = np.random.default_rng(0).random((16, 8, 8))
    levels = np.arange(16)
    first, second, third = label_factors(
        np.stack([small, noise, 1 - small], 1), states, levels, np.arange(8), rng=np.random.default_rng(0)
    )
    assert first.object == "ground"
    assert first.correlation.low > 0.99
    assert abs(second.correlation.value) < 0.2
    assert third.object in ("background", "no ground")
    with pytest.raises(FeatureError, match="one of each"):
        label_factors(np.stack([small], 1), states[:3], levels, np.arange(8), rng=np.random.default_rng(0))
