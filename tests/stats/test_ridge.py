"""Ridge regression against scikit-learn, and cross-fitting on targets that must not be learned."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from mechinterp.stats import StatsError, ridge


def test_the_ridge_is_scikit_learns():
    rng = np.random.default_rng(0)
    features, targets = rng.normal(2, 1, (30, 50)).astype(np.float32), rng.normal(0, 1, (30, 2))
    gram, train, test = (features @ features.T).astype(float), np.arange(20), np.arange(20, 30)
    centred = features[train] - features[train].mean(0)
    scale = np.linalg.eigvalsh(centred @ centred.T).mean()
    said = ridge._fit(gram, targets, train, test)
    for penalty, own in zip(ridge.PENALTIES, said, strict=True):
        model = Ridge(alpha=penalty * scale, solver="svd").fit(features[train].astype(float), targets[train])
        assert own == pytest.approx(model.predict(features[test].astype(float)), abs=1e-4)


def test_the_kernel_gives_each_channel_the_same_weight_and_dead_ones_none():
    maps = np.random.default_rng(0).normal(0, 1, (6, 3, 4, 4)).astype(np.float32)
    scaled = maps * np.array([1, 1000, 1], np.float32)[:, None, None]
    assert ridge.kernel(scaled) == pytest.approx(ridge.kernel(maps), rel=1e-3)
    maps[:, 2] = 5
    assert ridge.kernel(maps) == pytest.approx(ridge.kernel(maps[:, :2]) * 2 / 3, rel=1e-4)


def test_no_level_is_both_fitted_on_and_tested_on():
    """A label that is a coin's throw for each level can be learned by heart, and must not be read out."""
    rng = np.random.default_rng(0)
    levels = np.arange(40).repeat(5)
    mark = rng.normal(0, 1, (40, 30)).repeat(5, 0) + rng.normal(0, 0.01, (200, 30))
    thrown = (np.arange(40) % 2)[rng.permutation(40)].repeat(5).astype(float)[:, None]
    said = ridge.cross_fitted(ridge.kernel(mark), thrown, levels, parts=4, rng=rng)
    assert abs(ridge.agreement(said, thrown, classes=True).mean() - 0.5) < 0.2
    part = ridge.folds(levels, 4, rng)
    assert all(len(set(part[levels == level])) == 1 for level in range(40))


def test_agreement_is_balanced_accuracy_and_r_squared():
    truth = np.array([[1.0], [1], [1], [0]])
    assert ridge.agreement(np.ones((4, 1)), truth, classes=True).mean() == 0.5
    assert ridge.agreement(truth, truth, classes=True).mean() == 1
    numbers = np.array([[1.0], [2], [3]])
    assert ridge.agreement(numbers, numbers, classes=False).mean() == 1
    assert ridge.agreement(np.full((3, 1), 2.0), numbers, classes=False).mean() == pytest.approx(0)


def test_weights_over_few_features_are_scikit_learns_too():
    rng = np.random.default_rng(1)
    rows, targets = rng.normal(size=(40, 5)), rng.normal(size=40)
    rows, targets = rows - rows.mean(0), targets - targets.mean()
    scale = np.linalg.eigvalsh(rows.T @ rows).mean()
    for penalty, own in zip(ridge.PENALTIES, ridge.weights(rows, targets, ridge.PENALTIES), strict=True):
        assert own == pytest.approx(Ridge(alpha=penalty * scale, fit_intercept=False).fit(rows, targets).coef_)


def test_more_folds_than_clusters_are_refused():
    with pytest.raises(StatsError, match="4 folds need at least as many clusters, got 3"):
        ridge.folds(np.array([1, 1, 2, 3]), 4, np.random.default_rng(0))


def test_what_cannot_be_fitted_is_refused():
    rng = np.random.default_rng(0)
    gram, targets, clusters = np.eye(8), rng.normal(size=(8, 1)), np.arange(8)
    for parts, of in ((2, np.repeat([0, 1], 4)), (1, clusters)):
        with pytest.raises(StatsError, match="at least 3 clusters and 2 parts are needed"):
            ridge.cross_fitted(gram, targets, of, parts=parts, rng=rng)
    for bad in ((np.where(gram, np.nan, 0), targets), (gram, np.full_like(targets, np.inf))):
        with pytest.raises(StatsError, match=r"8 of \d+ numbers of .* are not finite"):
            ridge.cross_fitted(*bad, clusters, parts=2, rng=rng)
    for count in (0, -1, 1.5, None):
        with pytest.raises(StatsError, match="folds: a whole number of parts, at least 1"):
            ridge.folds(clusters, count, rng)
    with pytest.raises(StatsError, match=r"rng must be a numpy\.random\.Generator"):
        ridge.folds(clusters, 2, 3)


@pytest.mark.parametrize("classes", [True, False])
def test_a_target_that_never_changes_has_no_score(classes):
    truth = np.column_stack([[0.0, 1, 0, 1], np.ones(4)])
    with pytest.raises(StatsError, match=r"a score needs .* in targets \[1\]"):
        ridge.agreement(truth, truth, classes=classes)
