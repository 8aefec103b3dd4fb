"""Do 95 % intervals contain the truth about 95 % of the time? The evidence for the methods of `stats`.

Each case is simulated 400 times from a fixed seed; the standard error of the coverage is then about 1.1 %, so a method
that covers 95 % stays within 91.5 .. 98.5 %. For comparison, the plain percentile interval covers 86 % with 5 seeds,
92 % with 12 levels and 90 % with 12 unequal ones.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mechinterp import stats

RUNS = 400
Sample = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]


def independent(draw: Callable[[np.random.Generator, int], np.ndarray], n: int) -> Sample:
    return lambda rng: (draw(rng, n), np.arange(n))


def normal(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.normal(size=n)


def returns(rng: np.random.Generator, n: int) -> np.ndarray:
    """0 or 10, as episodes of CoinRun pay."""
    return 10.0 * (rng.random(n) < 0.65) - 6.5


def exponential(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.exponential(size=n) - 1


def levels(clusters: int) -> Sample:
    """Levels of unequal size, whose frames resemble each other."""

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        labels = np.repeat(np.arange(clusters), rng.integers(1, 12, clusters))
        return rng.normal(size=clusters)[labels] + 0.5 * rng.normal(size=len(labels)), labels

    return draw


def coverage(sample: Sample, estimate: Callable[..., stats.Estimate], truth: float = 0.0) -> float:
    rng = np.random.default_rng(11)
    return float(np.mean([not estimate(*sample(rng), rng).excludes(truth) for _ in range(RUNS)]))


def mean(values: np.ndarray, clusters: np.ndarray, rng: np.random.Generator) -> stats.Estimate:
    return stats.mean(values, name="x", unit="levels", rng=rng, clusters=clusters, resamples=1000)


@pytest.mark.parametrize(
    ("sample", "least"),
    [
        pytest.param(independent(normal, 5), 0.92, id="5 seeds, normal"),
        pytest.param(independent(normal, 12), 0.92, id="12 levels, normal"),
        pytest.param(independent(normal, 100), 0.92, id="100 levels, normal"),
        pytest.param(independent(returns, 20), 0.92, id="20 levels, returns"),
        pytest.param(independent(returns, 200), 0.92, id="200 levels, returns"),
        pytest.param(independent(exponential, 20), 0.90, id="20 levels, skewed"),
        pytest.param(independent(exponential, 100), 0.92, id="100 levels, skewed"),
        pytest.param(levels(12), 0.90, id="12 unequal levels"),
        pytest.param(levels(60), 0.92, id="60 unequal levels"),
    ],
)
def test_mean(sample: Sample, least: float) -> None:
    assert least <= coverage(sample, mean) <= 0.985


@pytest.mark.parametrize("clusters", [12, 60])
def test_proportion(clusters: int) -> None:
    def sample(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        labels = np.repeat(np.arange(clusters), rng.integers(1, 12, clusters))
        return rng.random(len(labels)) < rng.beta(3, 1, clusters)[labels], labels

    def proportion(hits: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> stats.Estimate:
        return stats.proportion(hits, name="x", unit="levels", clusters=labels)

    assert 0.92 <= coverage(sample, proportion, truth=0.75) <= 0.985


def test_ratio() -> None:
    def sample(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        whole = 2 + rng.normal(size=60)
        return 0.5 * whole + rng.normal(size=60), whole

    def ratio(share: np.ndarray, whole: np.ndarray, rng: np.random.Generator) -> stats.Estimate:
        return stats.ratio(share, whole, name="x", unit="levels", rng=rng, resamples=1000)

    assert 0.92 <= coverage(sample, ratio, truth=0.5) <= 0.985


def test_difference() -> None:
    def sample(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return rng.normal(size=15), 3 * rng.normal(size=40)

    def difference(first: np.ndarray, second: np.ndarray, rng: np.random.Generator) -> stats.Estimate:
        return stats.difference(first, second, name="x", unit="levels", rng=rng, resamples=1000)

    assert 0.92 <= coverage(sample, difference) <= 0.985
