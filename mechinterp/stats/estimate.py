"""`Estimate`: the only kind of number that figures and verdicts accept."""

from __future__ import annotations

import dataclasses
import html
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from jaxtyping import Float

from mechinterp.errors import nearest
from mechinterp.stats.checks import StatsError, fraction, numbers

Side: TypeAlias = Literal["both", "above", "below"]


@dataclass(frozen=True, kw_only=True)
class Null:
    """What the same number would be if there were nothing to find."""

    description: str
    """What was done to remove the effect, for example "weights shuffled within each tensor"."""
    value: float
    """The centre (mean) of the null distribution."""
    low: float
    high: float
    """The central range of the null distribution, as wide as the estimate's own level (0.95)."""
    p: float | None = None
    """Probability of a value at least as extreme, two-sided unless the maker asked for one side; None where the null is
    a single other measurement."""

    def __post_init__(self) -> None:
        _text(self, "description")
        as_reals(self, "value", "low", "high")
        if self.low > self.high:
            raise StatsError(f"null {self.description!r}: low {self.low} is above high {self.high}")
        if self.p is not None:
            as_reals(self, "p")
            if not 0 <= self.p <= 1:
                raise StatsError(f"null {self.description!r}: p must lie in 0..1, got {self.p}")

    @classmethod
    def from_draws(
        cls,
        observed: float,
        draws: Float[np.ndarray, " draws"],
        *,
        description: str,
        level: float = 0.95,
        complete: bool = False,
        side: Side = "both",
    ) -> Null:
        """The null made of `draws`: the statistic under random channels, directions, labels or networks.

        p is two-sided, `2 min((1 + #{draws <= observed}), (1 + #{draws >= observed})) / (1 + draws)`, at most 1: the
        observed value counts as one of the draws, so that p is never 0 (Phipson & Smyth 2010). Where `complete`, the
        draws are all that are possible, the observed one among them, and no 1 is added.

        Args:
            side: "above" or "below" where only that is asked: p is then that tail alone, half as large. It must be
                fixed before looking.
        """
        name = f"null {description!r}"
        drawn = numbers(draws, name=name)
        (observed,) = numbers([observed], name=name)
        slack = 1e-12 * max(abs(observed), float(np.abs(drawn).max()))  # draws that differ by rounding alone are ties
        below, above = np.count_nonzero(drawn <= observed + slack), np.count_nonzero(drawn >= observed - slack)
        tail = {"both": min(below, above), "below": below, "above": above}[side]
        alpha = 1 - fraction(level, name=name, what="level")
        extra = 0 if complete else 1
        low, high = np.quantile(drawn, [alpha / 2, 1 - alpha / 2])
        return cls(
            description=description,
            value=float(drawn.mean()),
            low=float(low),
            high=float(high),
            p=min(1.0, (2 if side == "both" else 1) * (int(tail) + extra) / (len(drawn) + extra)),
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain values that `json` writes without loss."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`. Raises StatsError for missing, unknown or invalid fields."""
        return cls(**fields_of(cls, data))


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its interval, what it was counted over, and the null that it is compared with.

    `low <= value <= high` always holds (the makers widen an interval by its own value where a resampling method would
    leave it out), and all are finite: what cannot be bounded is refused when it is made.
    """

    name: str
    value: float
    low: float
    high: float
    n: int
    """The number of independent samples: levels or seeds, not the frames within them."""
    unit: str
    """What n counts, in the plural: "levels", "training seeds"."""
    null: Null | None = None
    level: float = 0.95
    """The probability that the interval aims to cover."""
    method: str = ""
    """How the interval was made."""

    def __post_init__(self) -> None:
        _text(self, "name", "unit")
        as_reals(self, "value", "low", "high")
        if not self.low <= self.value <= self.high:
            raise StatsError(
                f"estimate {self.name!r}: low <= value <= high does not hold for {self.low}, {self.value}, {self.high}"
            )
        if isinstance(self.n, bool) or not isinstance(self.n, (int, np.integer)) or self.n < 1:
            raise StatsError(
                f"estimate {self.name!r}: n must be a whole number of {self.unit}, at least 1, got {self.n!r}"
            )
        object.__setattr__(self, "n", int(self.n))
        if self.null is not None and not isinstance(self.null, Null):
            raise StatsError(f"estimate {self.name!r}: null must be a Null or None, got {type(self.null).__name__}")
        as_reals(self, "level")
        fraction(self.level, name=f"estimate {self.name!r}", what="level")
        if not isinstance(self.method, str):
            raise StatsError(f"estimate {self.name!r}: method must be text, got {self.method!r}")

    @property
    def half_width(self) -> float:
        """Half the length of the interval, in the units of `value`."""
        return self.high / 2 - self.low / 2

    def excludes(self, value: float) -> bool:
        """Whether the interval leaves `value` out."""
        return not self.low <= value <= self.high

    def within(self, low: float, high: float) -> bool:
        """Whether the whole interval lies in `low .. high`."""
        return low <= self.low and self.high <= high

    def against(self, null: Null | None) -> Estimate:
        """This estimate, compared with `null`."""
        return dataclasses.replace(self, null=null)

    def renamed(self, name: str) -> Estimate:
        """This estimate under another name."""
        return dataclasses.replace(self, name=name)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that `json` writes without loss."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`. Raises StatsError for missing, unknown or invalid fields."""
        fields = fields_of(cls, data)
        if isinstance(fields.get("null"), Mapping):
            fields["null"] = Null.from_dict(fields["null"])
        return cls(**fields)

    def __str__(self) -> str:
        """`6.48 [5.64, 7.32] (n=500 levels)`, to two significant digits of the interval's half width."""
        return format(self, "")

    def __format__(self, spec: str) -> str:
        """As `str`, with `spec` (such as `.2f`) for each of the three numbers."""
        spec = spec or self._digits()
        value, low, high = (_unsigned_zero(format(v, spec)) for v in (self.value, self.low, self.high))
        return f"{value} [{low}, {high}] (n={self.n} {self.unit})"

    def _repr_html_(self) -> str:
        null = f"; null: {self.null.description}" if self.null is not None else ""
        p = f", p = {self.null.p:.2g}" if self.null is not None and self.null.p is not None else ""
        return f"<span>{html.escape(self.name)}: <b>{html.escape(str(self))}</b>{html.escape(null + p)}</span>"

    def _digits(self) -> str:
        if self.half_width == 0:
            return ".4g"
        decimals = max(0, 1 - math.floor(math.log10(self.half_width)))
        return f".{decimals}f" if decimals <= 6 else ".3g"


def _text(record: object, *names: str) -> None:
    for name in names:
        value = getattr(record, name)
        if not isinstance(value, str) or not value.strip():
            raise StatsError(f"{type(record).__name__}.{name} must be a text that is not empty, got {value!r}")


def as_reals(record: object, *names: str) -> None:
    """Check, and store as built-in floats (numpy's and torch's scalars are not what `json` writes)."""
    for name in names:
        value = getattr(record, name)
        what = f"{type(record).__name__}.{name} of {getattr(record, 'name', getattr(record, 'description', ''))!r}"
        if isinstance(value, (bool, str)):
            raise StatsError(f"{what} must be a number, got {value!r}")
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise StatsError(f"{what} must be one number, got {type(value).__name__} {value!r}") from error
        if not math.isfinite(number):
            raise StatsError(f"{what} must be finite, got {number}")
        object.__setattr__(record, name, number)


def fields_of(cls: type, data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the dataclass `cls` out of `data`, all of them known and none that is needed missing."""
    if not isinstance(data, Mapping):
        raise StatsError(f"{cls.__name__} is written as an object of fields, got {type(data).__name__}")
    known = {field.name: field.default is dataclasses.MISSING for field in dataclasses.fields(cls)}
    for key in data:
        if key not in known:
            raise StatsError(f"{cls.__name__} has no field {key!r}{nearest(str(key), known)}")
    missing = [key for key, needed in known.items() if needed and key not in data]
    if missing:
        raise StatsError(f"{cls.__name__} lacks the fields {', '.join(missing)}")
    return dict(data)


def _unsigned_zero(text: str) -> str:
    return text[1:] if text.startswith("-") and not any(c in "123456789" for c in text.split("e")[0]) else text
