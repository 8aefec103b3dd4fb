"""How a number is put into words: digits, and what may be claimed of it."""

from __future__ import annotations

import math
from typing import Literal

from mechinterp.reporting.errors import ResultsError
from mechinterp.stats import Estimate

Reading = Literal["above", "below", "equivalent", "unclear"]
MINUS = "\N{MINUS SIGN}"


def number(estimate: Estimate, unit: str = "", *, signed: bool = False, percent: bool = False) -> str:
    """`+0.42 nats [0.31, 0.53]`: the value and its interval, to as many digits as the interval is worth.

    Args:
        unit: of the value, as written after it.
        signed: whether a positive value gets a plus.
        percent: whether to write a share of 1 as a percentage.
    """
    value, low, high = ends(estimate, percent=percent)
    plus = "+" if signed and estimate.value > 0 and value.strip("0.") else ""
    unit = "\N{NO-BREAK SPACE}%" if percent else f"\N{NO-BREAK SPACE}{unit}" if unit else ""
    return f"{plus}{value}{unit} [{low}, {high}]"


def short(estimate: Estimate, unit: str = "", *, signed: bool = False, percent: bool = False) -> str:
    """As `number`, without the interval."""
    return number(estimate, unit, signed=signed, percent=percent).rpartition(" [")[0]


def ends(estimate: Estimate, *, percent: bool = False) -> tuple[str, str, str]:
    """Value, low and high as text, all to the same number of decimals."""
    scale = 100 if percent else 1
    largest = max(abs(estimate.low), abs(estimate.high)) * scale
    decimals = _decimals(estimate.half_width * scale, largest)
    if percent:
        decimals = min(decimals, 1 if largest < 10 else 0)
    return tuple(plain(v * scale, decimals) for v in (estimate.value, estimate.low, estimate.high))  # pyright: ignore


def _decimals(half: float, largest: float) -> int:
    """So many that the half width has two digits if the first of them is 1 or 2, else one (Particle Data Group)."""
    if half == 0 or not math.isfinite(half):
        return 3 if math.isfinite(largest) and largest != round(largest) else 0
    power = math.floor(math.log10(half))
    return min(6, max(0, 1 - power if half < 2.95 * 10.0**power else -power))


def plain(value: float, decimals: int) -> str:
    """A number with a true minus sign, and none before a zero."""
    text = f"{value:.{decimals}f}"
    bare = text.lstrip("-")
    return f"{MINUS}{bare}" if text.startswith("-") and bare.strip("0.") else bare


def share(value: float) -> str:
    """`80 %`, of a share of 1."""
    return f"{100 * value:.0f}\N{NO-BREAK SPACE}%"


def count(estimate: Estimate) -> str:
    """`n = 120 levels`."""
    return f"n = {estimate.n} {estimate.unit}"


def reading(estimate: Estimate, *, margin: float | None = None) -> Reading:
    """What may be said of an effect.

    "equivalent": its whole interval lies within the margin that was fixed before looking (this shows equivalence, as
    the two one-sided tests of Schuirmann 1987 do, at half the error rate). "above" and "below": the interval leaves
    out 0 and, where the estimate has a null with a p value, p is below 1 - level too. "unclear": neither.

    Raises:
        ResultsError: a margin that is not above 0.
    """
    if margin is not None:
        if not margin > 0:
            raise ResultsError(f"{estimate.name}: a margin must be above 0, got {margin}")
        if estimate.within(-margin, margin):
            return "equivalent"
    p = estimate.null.p if estimate.null is not None else None
    if not estimate.excludes(0) or (p is not None and p >= 1 - estimate.level):
        return "unclear"
    return "above" if estimate.value > 0 else "below"


def stands_out(estimate: Estimate) -> bool:
    """Whether the whole interval lies beyond the range of the null."""
    if estimate.null is None:
        raise ResultsError(f"estimate {estimate.name!r} has no null to stand out from")
    return estimate.low > estimate.null.high or estimate.high < estimate.null.low


def listed(items: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def interval(estimate: Estimate, *, percent: bool = False) -> str:
    """`[0.31, 0.53]`, with as many digits as in `number`."""
    return "[" + number(estimate, percent=percent).rpartition(" [")[2]
