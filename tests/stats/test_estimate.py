"""The record itself: what it refuses, how it reads, and that JSON loses nothing."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechinterp.errors import MechinterpError
from mechinterp.stats import Estimate, Null, StatsError

finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(min_size=1).filter(str.strip)


@st.composite
def nulls(draw: st.DrawFn) -> Null:
    low, high = sorted([draw(finite), draw(finite)])
    p = draw(st.none() | st.floats(0, 1))
    return Null(description=draw(texts), value=draw(finite), low=low, high=high, p=p)


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    low, value, high = sorted([draw(finite), draw(finite), draw(finite)])
    return Estimate(
        name=draw(texts),
        value=value,
        low=low,
        high=high,
        n=draw(st.integers(1, 10**12)),
        unit=draw(texts),
        null=draw(st.none() | nulls()),
        level=draw(st.floats(0.001, 0.999)),
        method=draw(st.text()),
    )


def make(**changes: object) -> Estimate:
    fields = {"name": "return", "value": 6.48, "low": 5.64, "high": 7.32, "n": 500, "unit": "levels"}
    return Estimate(**{**fields, **changes})  # pyright: ignore[reportArgumentType]


@given(estimates())
def test_json_round_trip_is_exact(estimate: Estimate) -> None:
    written = json.dumps(estimate.to_dict(), allow_nan=False)
    assert Estimate.from_dict(json.loads(written)) == estimate


@given(estimates())
def test_every_estimate_can_be_printed(estimate: Estimate) -> None:
    assert str(estimate).endswith(f"(n={estimate.n} {estimate.unit})")


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (6.48, 5.64, 7.32, "6.48 [5.64, 7.32] (n=500 levels)"),
        (-0.004, -0.2, 0.2, "0.00 [-0.20, 0.20] (n=500 levels)"),
        (1234.5, 1000.0, 1400.0, "1234 [1000, 1400] (n=500 levels)"),
        (0.00012, 0.0001, 0.00014, "0.000120 [0.000100, 0.000140] (n=500 levels)"),
        (1e-12, 0.0, 2e-12, "1e-12 [0, 2e-12] (n=500 levels)"),
        (10.0, 10.0, 10.0, "10 [10, 10] (n=500 levels)"),
    ],
)
def test_text(value: float, low: float, high: float, text: str) -> None:
    assert str(make(value=value, low=low, high=high)) == text


def test_format_spec_applies_to_the_three_numbers() -> None:
    assert f"{make():.1f}" == "6.5 [5.6, 7.3] (n=500 levels)"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"value": math.nan}, "Estimate.value of 'return' must be finite, got nan"),
        ({"high": math.inf}, "must be finite, got inf"),
        ({"value": "6"}, "must be a number"),
        ({"value": [6.0, 6.5]}, "must be one number, got list"),
        ({"value": 8.0}, "low <= value <= high does not hold for 5.64, 8.0, 7.32"),
        ({"n": 0}, "n must be a whole number of levels, at least 1, got 0"),
        ({"n": 2.5}, "n must be a whole number"),
        ({"n": True}, "n must be a whole number"),
        ({"unit": " "}, "Estimate.unit must be a text that is not empty"),
        ({"level": 1.0}, "level must lie strictly between 0 and 1"),
        ({"null": 0.5}, "null must be a Null or None, got float"),
    ],
)
def test_refusals(changes: dict[str, object], message: str) -> None:
    with pytest.raises(StatsError) as caught:
        make(**changes)
    assert message in str(caught.value)
    assert isinstance(caught.value, MechinterpError)


def test_numpy_scalars_become_plain_numbers() -> None:
    estimate = make(value=np.float32(6.5), n=np.int64(12))
    assert type(estimate.value) is float
    assert type(estimate.n) is int
    json.dumps(estimate.to_dict())


def test_unknown_and_missing_fields_are_named() -> None:
    written = make().to_dict()
    with pytest.raises(StatsError, match="no field 'vaule'; did you mean 'value'"):
        Estimate.from_dict({**written, "vaule": 1})
    del written["low"]
    with pytest.raises(StatsError, match="lacks the fields low"):
        Estimate.from_dict(written)
    with pytest.raises(StatsError, match="object of fields"):
        Estimate.from_dict([1])  # pyright: ignore[reportArgumentType]


def test_questions() -> None:
    estimate = make()
    assert estimate.excludes(0)
    assert not estimate.excludes(7)
    assert estimate.within(5, 8)
    assert not estimate.within(6, 8)
    assert estimate.renamed("x").name == "x"
    assert estimate.half_width == pytest.approx(0.84)


def test_null_from_draws_counts_the_observed_value() -> None:
    draws = np.arange(1.0, 100.0)  # 1 .. 99
    null = Null.from_draws(98.5, draws, description="random channels")
    assert null.p == pytest.approx(2 * (1 + 1) / 100)  # one draw above, and the observed one
    assert null.value == 50
    assert (null.low, null.high) == pytest.approx((np.quantile(draws, 0.025), np.quantile(draws, 0.975)))
    assert Null.from_draws(1000, draws, description="random channels").p == pytest.approx(2 / 100)
    assert Null.from_draws(50, draws, description="random channels").p == 1
    with pytest.raises(StatsError, match=r"null 'random channels': 1 of 2 values are not finite"):
        Null.from_draws(1, np.array([1, math.nan]), description="random channels")


def test_a_null_of_one_side_has_that_tail_alone() -> None:
    draws = np.arange(20.0)
    p = {
        (side, value): Null.from_draws(value, draws, description="x", side=side).p
        for side in ("both", "above", "below")
        for value in (18.5, 99.0)
    }
    assert p["above", 99.0] == pytest.approx(1 / 21)
    assert p["both", 99.0] == pytest.approx(2 / 21)
    assert p["below", 99.0] == 1
    assert p["above", 18.5] == pytest.approx(2 / 21)
