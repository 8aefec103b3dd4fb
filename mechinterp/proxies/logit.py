"""A conditional logit on a policy's own probabilities (McFadden 1974), with soft labels: which features of what the
actions bring about explain how likely each is.

    q(a | s) = exp(w . x(s, a)) / sum_b exp(w . x(s, b));   w minimises the mean cross-entropy of p(. | s) with q(. | s)
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64

_PENALTY = 1e-3
"""Of the squared weights (of features in their own SDs): it moves them by a thousandth or so, and keeps them finite."""
_STEPS = 40
_NEAR = 1e-9


def fit(
    features: Float[np.ndarray, "decisions actions features"],
    probabilities: Float[np.ndarray, "decisions actions"],
    rows: Float[np.ndarray, "*draws decisions"] | None = None,
    *,
    start: Float[np.ndarray, " features"] | None = None,
    penalty: float = _PENALTY,
) -> Float64[np.ndarray, "*draws features"]:
    """The weights of the features, by Newton's method.

    Args:
        rows: how much each decision counts; with a first axis, a fit for each row of it.
        start: weights to begin from.
        penalty: see `_PENALTY`.
    """
    x = np.asarray(features, np.float64)
    p = np.asarray(probabilities, np.float64)
    counted = np.ones((1, len(x))) if rows is None else np.atleast_2d(np.asarray(rows, np.float64))
    share = counted / counted.sum(1, keepdims=True)
    count = x.shape[-1]
    weights = np.tile(np.zeros(count) if start is None else start, (len(share), 1))
    outer = None
    for _ in range(_STEPS):
        q = _softmax(np.einsum("saj,dj->dsa", x, weights))
        pull = np.einsum("ds,dsa,saj->dj", share, p - q, x, optimize=True) - penalty * weights
        flat = (share[:, :, None] * q).reshape(len(share), -1)
        if outer is None:
            columns = x.reshape(-1, count)
            outer = (columns[:, :, None] * columns[:, None, :]).reshape(len(columns), -1)
        second = (flat @ outer).reshape(-1, count, count)
        means = np.einsum("dsa,saj->dsj", q, x, optimize=True)
        second -= np.einsum("ds,dsj,dsk->djk", share, means, means, optimize=True)
        move = np.linalg.solve(second + penalty * np.eye(count), pull[..., None])[..., 0]
        largest = np.abs(move).max(1, keepdims=True)
        weights += move * np.minimum(1.0, 2.0 / np.maximum(largest, 1e-12))  # a far step may overshoot
        if largest.max() < _NEAR:
            break
    return weights if rows is not None and np.ndim(rows) == 2 else weights[0]


def cross_entropy(
    features: Float[np.ndarray, "decisions actions features"],
    probabilities: Float[np.ndarray, "decisions actions"],
    weights: Float[np.ndarray, " features"],
) -> Float64[np.ndarray, " decisions"]:
    """Of the policy with the model, in nats, for each decision."""
    scores = np.asarray(features, np.float64) @ weights
    top = scores.max(1, keepdims=True)
    logs = scores - top - np.log(np.exp(scores - top).sum(1, keepdims=True))
    return -(np.asarray(probabilities, np.float64) * logs).sum(1)


def entropy(probabilities: Float[np.ndarray, "decisions actions"]) -> Float64[np.ndarray, " decisions"]:
    """Of the policy itself, in nats: what no model can get below."""
    p = np.asarray(probabilities, np.float64)
    return -(p * np.log(np.maximum(p, 1e-300))).sum(1)


def _softmax(scores: Float64[np.ndarray, "*batch actions"]) -> Float64[np.ndarray, "*batch actions"]:
    raised = np.exp(scores - scores.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)
