"""Do 95 % intervals contain the truth about 95 % of the time, and does a test of 0 reject a true 0 in 5 %?

Each case is drawn 600 times from a fixed seed (a column each); the standard error of the coverage is then 0.9 %.
`analyses/coverage.py` makes the whole table, with more draws.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mechinterp import stats

RUNS = 600
EFFECTS = Path(__file__).parents[1] / "data" / "effects_by_level.npz"
Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.normal(size=shape)


def exponential(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.exponential(size=shape) - 1


def lognormal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.lognormal(size=shape) - np.exp(0.5)


def heavy(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Symmetric, with tails for which the bootstrap-t alone is too short."""
    return rng.standard_t(3, size=shape)


def spike(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """One level in five has all of the effect."""
    return (rng.random(shape) < 0.2) - 0.2 + rng.normal(0, 0.1, shape)


def product(variable: str) -> Draw:
    """Total effects on movement by level, of `checkpoints/standard`, as if these levels were all that there are."""
    values = np.load(EFFECTS)[variable].astype(float)

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        return rng.choice(values - values.mean(), shape)

    draw.__name__ = variable
    return draw


def means(table: np.ndarray, **options: object) -> list[stats.Estimate]:
    names = ["x"] * table.shape[1]
    return stats.means(table, names=names, unit="levels", rng=np.random.default_rng(1), resamples=999, **options)  # pyright: ignore[reportArgumentType]


def covered(found: list[stats.Estimate], truth: float = 0.0) -> float:
    return float(np.mean([not estimate.excludes(truth) for estimate in found]))


@pytest.mark.parametrize("n", [20, 40, 100])
@pytest.mark.parametrize(
    "draw",
    [normal, exponential, lognormal, heavy, spike, product("coin_side"), product("hazard_ahead")],
    ids=lambda d: d.__name__,
)
def test_mean(draw: Draw, n: int) -> None:
    """At least 93 % (less two standard errors), where Student's t covers 86 % of 20 lognormal levels.

    A test of 0 is the same thing (`test_tests`): it rejects a true 0 in at most 6 to 7 %.
    """
    table = draw(np.random.default_rng([11, n]), (n, RUNS))
    assert 0.93 - 0.018 <= covered(means(table)) <= 0.995


def test_a_mean_of_five_seeds() -> None:
    table = normal(np.random.default_rng(11), (5, RUNS))
    assert 0.93 <= covered(means(table)) <= 0.97


def test_a_rare_spike_is_beyond_any_test() -> None:
    """Where one level in ten has all of the effect, 12 % of samples of 20 do not show it: no method can know."""
    rng = np.random.default_rng(11)
    hits = rng.random((20, RUNS)) < 0.1
    found = means(hits - 0.1 + rng.normal(0, 0.02, hits.shape))
    missed = ~hits.any(0)
    assert np.mean(missed) == pytest.approx(0.9**20, abs=0.03)
    assert all(estimate.excludes(0) for estimate, gone in zip(found, missed, strict=True) if gone)
    assert covered([estimate for estimate, gone in zip(found, missed, strict=True) if not gone]) > 0.98


def test_power_that_skew_costs() -> None:
    """Of 20 normal levels with a mean of 0.6 standard deviations, t finds 70 %."""
    table = normal(np.random.default_rng(11), (20, RUNS)) + 0.6
    assert 1 - covered(means(table)) > 0.6


@pytest.mark.parametrize("clusters", [12, 60])
def test_mean_of_unequal_levels(clusters: int) -> None:
    rng = np.random.default_rng(11)
    labels = np.repeat(np.arange(clusters), rng.integers(1, 12, clusters))
    table = rng.normal(size=(clusters, RUNS))[labels] + 0.5 * rng.normal(size=(len(labels), RUNS))
    assert 0.92 <= covered(means(table, clusters=labels)) <= 0.985


@pytest.mark.parametrize(("n", "share"), [(20, 0.65), (20, 0.97), (200, 0.65), (200, 0.99)])
def test_mean_return(n: int, share: float) -> None:
    """0 or 10, as episodes of CoinRun pay; at 0.97 half of the samples of 20 are all alike."""
    table = 10.0 * (np.random.default_rng(11).random((n, RUNS)) < share)
    assert covered(means(table, bounds=(0, 10)), 10 * share) >= 0.945


def test_mean_within_bounds_that_is_skewed() -> None:
    table = np.random.default_rng(11).beta(0.5, 8, (20, RUNS))
    assert 0.93 <= covered(means(table, bounds=(0, 1)), 0.5 / 8.5) <= 0.999


@pytest.mark.parametrize("share", [0.75, 0.95])
@pytest.mark.parametrize("clusters", [12, 60])
def test_proportion(clusters: int, share: float) -> None:
    rng, found = np.random.default_rng(11), []
    for _ in range(RUNS):
        labels = np.repeat(np.arange(clusters), rng.integers(1, 12, clusters))
        hits = rng.random(len(labels)) < rng.beta(4 * share, 4 * (1 - share), clusters)[labels]
        found.append(stats.proportion(hits, name="x", unit="levels", clusters=labels))
    assert 0.92 <= covered(found, share) <= 0.999


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.5])
def test_auroc(shift: float) -> None:
    """Positives that are higher by `shift` standard deviations: the area is Phi(shift / sqrt 2)."""
    from scipy.special import ndtr

    rng, found = np.random.default_rng(11), []
    for _ in range(200):
        scores = np.concatenate([rng.normal(shift, 1, 25), rng.normal(0, 1, 25)])
        labels = np.repeat([1, 0], 25)
        found.append(stats.auroc(scores, labels, name="x", unit="levels", rng=rng, resamples=500))
    assert 0.93 <= covered(found, float(ndtr(shift / 2**0.5))) <= 0.999


def test_ratio() -> None:
    rng, found = np.random.default_rng(11), []
    for _ in range(300):
        whole = 2 + rng.normal(size=60)
        share = 0.5 * whole + rng.normal(size=60)
        found.append(stats.ratio(share, whole, name="x", unit="levels", rng=rng, resamples=999))
    assert 0.92 <= covered(found, 0.5) <= 0.985


def test_difference() -> None:
    rng, found = np.random.default_rng(11), []
    for _ in range(300):
        first, second = rng.normal(size=15), 3 * rng.normal(size=40)
        found.append(stats.difference(first, second, name="x", unit="levels", rng=rng, resamples=999))
    assert 0.92 <= covered(found) <= 0.985
