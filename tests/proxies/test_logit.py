"""The conditional logit, against scipy's minimiser and weights that were put in."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from mechinterp.proxies.logit import cross_entropy, entropy, fit


def made(seed: int, decisions: int = 200, features: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(decisions, 9, features))
    x -= x.mean(1, keepdims=True)
    weights = rng.normal(size=features)
    raised = np.exp(x @ weights)
    return x, raised / raised.sum(1, keepdims=True), weights


def loss(weights: np.ndarray, x: np.ndarray, p: np.ndarray, share: np.ndarray, penalty: float) -> float:
    scores = x @ weights
    logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    return float(-(share[:, None] * p * logs).sum() + penalty * (weights**2).sum() / 2)


def test_weights_that_made_the_choices_are_found():
    x, p, weights = made(0)
    np.testing.assert_allclose(fit(x, p, penalty=0.0), weights, atol=1e-6)


@pytest.mark.parametrize("seed", [1, 2])
def test_it_finds_what_scipys_minimiser_finds(seed):
    x, p, _ = made(seed)
    p = np.random.default_rng(seed).dirichlet(np.ones(9), size=len(x))  # no logit made these
    rows = np.random.default_rng(9).multinomial(len(x), np.full(len(x), 1 / len(x)), size=3)
    found = fit(x, p, rows)
    for weights, counted in zip(found, rows, strict=True):
        best = minimize(loss, np.zeros(4), (x, p, counted / counted.sum(), 1e-3), method="BFGS", tol=1e-12)
        np.testing.assert_allclose(weights, best.x, atol=1e-5)


def test_choices_without_doubt_still_have_finite_weights():
    x, _, _ = made(3, features=1)
    sure = np.eye(9)[x[..., 0].argmax(1)]
    (weight,) = fit(x, sure)
    assert 3 < weight < 100


def test_cross_entropy_is_least_at_the_truth_and_then_the_entropy():
    x, p, weights = made(4)
    np.testing.assert_allclose(cross_entropy(x, p, weights), entropy(p), atol=1e-12)
    assert (cross_entropy(x, p, weights + 0.3) > entropy(p)).all()
    np.testing.assert_allclose(cross_entropy(x, p, np.zeros(4)), np.log(9))
