"""Ridge regression, cross-fitted so that no cluster (level) is both fitted and tested on.

`weights` works in the space of features, for few of them. `cross_fitted` works in the space of rows, for features that
are far more than the rows (the activations of a layer): with K = X X', one eigendecomposition of a training part serves
every target and every penalty at once (Saunders, Gammerman & Vovk 1998). The penalty is chosen within the training
part, on clusters that the inner fit has not seen.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from mechinterp.stats.checks import StatsError, generator

PENALTIES = 10.0 ** np.arange(-4, 4)
"""Candidates, as multiples of the mean eigenvalue of the matrix that is inverted."""


def weights(
    rows: Float[np.ndarray, "rows features"],
    targets: Float[np.ndarray, " rows"],
    penalties: Float64[np.ndarray, " penalties"],
) -> list[Float64[np.ndarray, " features"]]:
    """The weights under each penalty (a multiple of the mean eigenvalue of X' X), of centred rows and targets."""
    cross = rows.T @ rows
    scale = max(np.trace(cross) / len(cross), 1e-12)
    values, vectors = np.linalg.eigh(cross)
    turned = vectors.T @ (rows.T @ targets)
    return [vectors @ (turned / (values.clip(0) + penalty * scale)) for penalty in penalties]


def kernel(features: Float[np.ndarray, "rows channels *place"]) -> Float64[np.ndarray, "rows rows"]:
    """Inner products of the rows, after dividing each channel by its standard deviation over rows and places.

    Channels that never change are left out.
    """
    wide = features.reshape(len(features), features.shape[1] if features.ndim > 1 else 1, -1).astype(np.float32)
    centred = wide - wide.mean(0, keepdims=True)
    spread = centred.std(axis=(0, 2), keepdims=True)
    scaled = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-6 * np.abs(wide).max(initial=0))
    flat = scaled.reshape(len(scaled), -1)
    return (flat @ flat.T).astype(np.float64) / max(1, flat.shape[1])


def folds(clusters: Int64[np.ndarray, " rows"], count: int, rng: np.random.Generator) -> Int64[np.ndarray, " rows"]:
    """Deals the clusters out to `count` parts of about equal size; the part of each row.

    Raises:
        StatsError: no parts, or fewer clusters than parts.
    """
    generator(rng, name="folds")
    if not hasattr(count, "__index__") or count < 1:
        raise StatsError(f"folds: a whole number of parts, at least 1, got {count!r}")
    names, index = np.unique(clusters, return_inverse=True)
    if len(names) < count:
        raise StatsError(f"{count} folds need at least as many clusters, got {len(names)}")
    dealt = np.arange(len(names)) % count
    return rng.permutation(dealt)[index]


def cross_fitted(
    gram: Float64[np.ndarray, "rows rows"],
    targets: Float64[np.ndarray, "rows targets"],
    clusters: Int64[np.ndarray, " rows"],
    *,
    parts: int,
    rng: np.random.Generator,
) -> Float64[np.ndarray, "rows targets"]:
    """What a ridge regression that never saw the row's cluster predicts of each target.

    Args:
        gram: from `kernel`.
        targets: a column each, fitted independently of one another.
        clusters: the cluster (level) of each row.
        parts: folds of clusters.

    Raises:
        StatsError: fewer clusters than parts, or fewer than two to fit on; numbers that are not finite.
    """
    for what, given in (("the kernel", gram), ("targets", targets)):
        if bad := int((~np.isfinite(given)).sum()):
            raise StatsError(f"cross-fitting: {bad} of {given.size} numbers of {what} are not finite")
    part = folds(clusters, parts, rng)
    said = np.empty_like(targets)
    for fold in range(parts):
        test = part == fold
        train = np.flatnonzero(~test)
        count = len(np.unique(clusters[train]))
        if count < 2:
            raise StatsError(
                f"cross-fitting: {parts} parts leave {count} clusters to fit on, and the penalty is chosen on others "
                "than those that are fitted on; at least 3 clusters and 2 parts are needed"
            )
        inner = folds(clusters[train], min(4, count), rng) == 0
        tried = _fit(gram, targets, train[~inner], train[inner])
        errors = ((tried - targets[train[inner]]) ** 2).sum(1)
        best = errors.argmin(0)
        fitted = _fit(gram, targets, train, np.flatnonzero(test))
        said[test] = fitted[best, :, np.arange(targets.shape[1])].T
    return said


def _fit(
    gram: Float64[np.ndarray, "rows rows"],
    targets: Float64[np.ndarray, "rows targets"],
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
    said: Float64[np.ndarray, "rows targets"], truth: Float64[np.ndarray, "rows targets"], *, classes: bool
) -> Float64[np.ndarray, "rows targets"]:
    """A score for each row whose mean is the accuracy, or the share of variance explained.

    Classes (0 and 1): 1 where the answer is right, weighted so that both classes count the same (balanced accuracy;
    chance is 0.5); the answer is yes above the share of yes, which is where a regression that knows nothing lies.
    Numbers: 1 - squared error / variance (R squared; chance is 0).

    Raises:
        StatsError: a target that is the same in every row.
    """
    if len(alike := np.flatnonzero(np.ptp(truth, axis=0) == 0)):
        what = "classes, but one alone occurs" if classes else "numbers that differ, but all are the same"
        raise StatsError(f"agreement: a score needs {what} in targets {alike[:10].tolist()}")
    if not classes:
        return 1 - (said - truth) ** 2 / truth.var(0)
    share = truth.mean(0)
    right: Bool[np.ndarray, "rows targets"] = (said > share) == (truth > 0.5)
    return right * np.where(truth > 0.5, 0.5 / share, 0.5 / (1 - share))
