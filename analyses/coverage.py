"""How often do the intervals of `stats` contain the truth, and how often do its tests reject a true 0?

    python analyses/coverage.py                # about ten minutes; writes analyses/reports/coverage/README.md
    python analyses/coverage.py --runs 500     # a look

Samples are drawn from distributions whose mean is known: normal, exponential, lognormal, heavy tails, and spikes (one
level in five, or in ten, has all of the effect), and from the total effects of `checkpoints/standard` by level, as if
these levels were all that there are. Student's t and flips of signs are shown for comparison.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import special

from mechinterp import stats

ROOT = Path(__file__).parents[1]
EFFECTS = ROOT / "tests" / "data" / "effects_by_level.npz"
SIZES = (10, 20, 40, 100)
AT_ONCE = 200
Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def spike(share: float) -> Draw:
    return lambda rng, shape: (rng.random(shape) < share) - share + rng.normal(0, 0.1, shape)


def drawn_from(values: np.ndarray) -> Draw:
    centred = values.astype(float) - values.astype(float).mean()
    return lambda rng, shape: rng.choice(centred, shape)


DISTRIBUTIONS: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "t, 3 degrees of freedom": lambda rng, shape: rng.standard_t(3, size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1,
    "lognormal": lambda rng, shape: rng.lognormal(size=shape) - np.exp(0.5),
    "spike in 1 of 5": spike(0.2),
    "spike in 1 of 10": spike(0.1),
    **{f"effects of {name.replace('_', ' ')}": drawn_from(values) for name, values in np.load(EFFECTS).items()},
}
SHARES = (0.5, 0.9, 0.97, 0.99)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("--out", type=Path, default=ROOT / "analyses" / "reports" / "coverage" / "README.md")
    arguments = parser.parse_args()
    runs = arguments.runs
    error = 100 * (0.05 * 0.95 / runs) ** 0.5
    text = [
        "# Coverage and false alarms of the statistics",
        f"By `analyses/coverage.py`: {runs} samples a cell; the standard error of 5 % is {error:.1f} points.",
        "## A mean that is 0, called different from 0 at 5 % (per cent of samples)",
        "`stats.effect`, whose interval leaves out 0 exactly then: 100 minus this is the coverage of the 95 % interval "
        "of `stats.mean`. In brackets Student's t and flips of signs. Where one level in ten has all of the effect, "
        "12 % of samples of 20 do not show it at all, and no test can know: such effects need 40 levels. Below ten "
        "levels the interval is Student's.",
        rejections(runs),
        "## A mean that is not 0, found (per cent of samples)",
        "Normal, the mean in standard deviations; in brackets Student's t.",
        power(runs),
        "## Returns of 0 and 10 within their bounds: coverage of the 95 % interval of `stats.mean` (per cent)",
        returns(runs),
    ]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text("\n\n".join(text) + "\n", encoding="utf-8")


def rejections(runs: int) -> str:
    rows = []
    for name, draw in DISTRIBUTIONS.items():
        cells = []
        for n in SIZES:
            ours, student, flipped = rejected(draw, n, runs)
            cells.append(f"{ours:.1f} ({student:.1f}, {flipped:.1f})")
        rows.append((name, *cells))
        print(" | ".join(rows[-1]), flush=True)
    return table(("", *(f"{n} levels" for n in SIZES)), rows)


def power(runs: int) -> str:
    rows = []
    for mean in (0.3, 0.5, 0.6, 0.7, 1.0):
        cells = []
        for n in SIZES:
            shifted = lambda rng, shape, mean=mean: rng.normal(mean, 1, shape)  # noqa: E731
            ours, student, _ = rejected(shifted, n, runs)
            cells.append(f"{ours:.0f} ({student:.0f})")
        rows.append((f"{mean}", *cells))
        print(" | ".join(rows[-1]), flush=True)
    return table(("mean", *(f"{n} levels" for n in SIZES)), rows)


def returns(runs: int) -> str:
    rows = []
    for share in SHARES:
        cells = []
        for n in SIZES:
            rng, hits = np.random.default_rng([5, n]), 0
            for _ in range(0, runs, AT_ONCE):
                drawn = 10.0 * (rng.random((n, AT_ONCE)) < share)
                found = stats.means(drawn, names=["x"] * AT_ONCE, unit="levels", rng=rng, bounds=(0, 10))
                hits += sum(not estimate.excludes(10 * share) for estimate in found)
            cells.append(f"{100 * hits / (-(-runs // AT_ONCE) * AT_ONCE):.1f}")
        rows.append((f"{share}", *cells))
        print(" | ".join(rows[-1]), flush=True)
    return table(("share of 10", *(f"{n} levels" for n in SIZES)), rows)


def rejected(draw: Draw, n: int, runs: int) -> tuple[float, float, float]:
    """Per cent of samples that are called different from 0: by us, by Student's t, by flips of signs."""
    rng, counts, total = np.random.default_rng([3, n]), np.zeros(3), 0
    for _ in range(0, runs, AT_ONCE):
        drawn = draw(rng, (n, AT_ONCE))
        found = stats.effects(drawn, names=["x"] * AT_ONCE, unit="levels", rng=rng, resamples=1999)
        t = drawn.mean(0) / (drawn.std(0, ddof=1) / n**0.5)
        signs = 1.0 - 2.0 * rng.integers(0, 2, (999, n))
        reached = (np.abs(signs @ drawn) >= np.abs(drawn.sum(0)) * (1 - 1e-12)).sum(0)
        counts += (
            sum(estimate.excludes(0) for estimate in found),
            (2 * special.stdtr(n - 1, -np.abs(t)) <= 0.05).sum(),
            ((1 + reached) / 1000 <= 0.05).sum(),
        )
        total += AT_ONCE
    ours, student, flipped = (100 * counts / total).tolist()
    return ours, student, flipped


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
