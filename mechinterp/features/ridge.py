"""Linear read-outs by ridge regression, cross-fitted so that no level is both learned from and tested on.

The activations of a layer are far more than the scenes, so everything is done in the space of scenes: with K = X X',
one eigendecomposition of a training part serves every label, every shuffled label and every penalty at once (Saunders,
Gammerman & Vovk 1998). The penalty is chosen within the training part, on levels that the inner fit has not seen.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from mechinterp.features.errors import FeatureError

PENALTIES = 10.0 ** np.arange(-4, 4)
"""Candidates, as multiples of the mean eigenvalue of the centred training kernel."""


def kernel(features: Float[np.ndarray, "scenes channels *place"]) -> Float64[np.ndarray, "scenes scenes"]:
    """Inner products of the scenes, after dividing each channel by its standard deviation over scenes and places.

    Channels that never change are left out.
    """
    wide = features.reshape(len(features), features.shape[1] if features.ndim > 1 else 1, -1).astype(np.float32)
    centred = wide - wide.mean(0, keepdims=True)
    spread = centred.std(axis=(0, 2), keepdims=True)
    scaled = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-6 * np.abs(wide).max(initial=0))
    flat = scaled.reshape(len(scaled), -1)
    return (flat @ flat.T).astype(np.float64) / max(1, flat.shape[1])


def folds(levels: Int64[np.ndarray, " scenes"], count: int, rng: np.random.Generator) -> Int64[np.ndarray, " scenes"]:
    """Deals the levels out to `count` parts of about equal size; the part of each scene.

    Raises:
        FeatureError: fewer levels than parts.
    """
    names, index = np.unique(levels, return_inverse=True)
    if len(names) < count:
        raise FeatureError(f"{count} folds need at least as many levels, got {len(names)}")
    dealt = np.arange(len(names)) % count
    return rng.permutation(dealt)[index]


def cross_fitted(
    gram: Float64[np.ndarray, "scenes scenes"],
    targets: Float64[np.ndarray, "scenes targets"],
    levels: Int64[np.ndarray, " scenes"],
    *,
    parts: int,
    rng: np.random.Generator,
) -> Float64[np.ndarray, "scenes targets"]:
    """What a ridge regression that never saw the scene's level says of each target.

    Args:
        gram: from `kernel`.
        targets: a column each, fitted independently of one another.
        parts: folds of levels.
    """
    part = folds(levels, parts, rng)
    said = np.empty_like(targets)
    for fold in range(parts):
        test = part == fold
        train = np.flatnonzero(~test)
        inner = folds(levels[train], min(4, len(np.unique(levels[train]))), rng) == 0
        tried = _fit(gram, targets, train[~inner], train[inner])
        errors = ((tried - targets[train[inner]]) ** 2).sum(1)
        best = errors.argmin(0)
        fitted = _fit(gram, targets, train, np.flatnonzero(test))
        said[test] = fitted[best, :, np.arange(targets.shape[1])].T
    return said


def _fit(
    gram: Float64[np.ndarray, "scenes scenes"],
    targets: Float64[np.ndarray, "scenes targets"],
    train: Int64[np.ndarray, " train"],
    test: Int64[np.ndarray, " test"],
) -> Float64[np.ndarray, "penalties test targets"]:
    """Predictions for the test rows under every penalty, with an intercept."""
    own, cross = gram[np.ix_(train, train)], gram[np.ix_(test, train)]
    middle = own.mean(0)
    centred = own - middle - own.mean(1)[:, None] + own.mean()
    cross = cross - middle - cross.mean(1)[:, None] + own.mean()
    mean = targets[train].mean(0)
    values, vectors = np.linalg.eigh(centred)
    values = values.clip(0)
    projected = vectors.T @ (targets[train] - mean)
    scale = values.mean()
    if scale <= 0:  # nothing varies: the mean is all there is to say
        return np.broadcast_to(mean, (len(PENALTIES), len(test), len(mean)))
    turned = cross @ vectors
    return np.stack([mean + turned @ (projected / (values + penalty * scale)[:, None]) for penalty in PENALTIES])


def agreement(
    said: Float64[np.ndarray, "scenes targets"], truth: Float64[np.ndarray, "scenes targets"], *, classes: bool
) -> Float64[np.ndarray, "scenes targets"]:
    """A score for each scene whose mean is the accuracy, or the share of variance explained.

    Classes (0 and 1): 1 where the answer is right, weighted so that both classes count the same (balanced accuracy;
    chance is 0.5); the answer is yes above the share of yes, which is where a regression that knows nothing lies.
    Numbers: 1 - squared error / variance (R squared; chance is 0).
    """
    if not classes:
        return 1 - (said - truth) ** 2 / truth.var(0)
    share = truth.mean(0)
    right: Bool[np.ndarray, "scenes targets"] = (said > share) == (truth > 0.5)
    return right * np.where(truth > 0.5, 0.5 / share, 0.5 / (1 - share))
