"""Numbers in words: as many digits as the interval is worth, and as much claimed as it allows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechinterp.reporting import ResultsError
from mechinterp.reporting.wording import count, ends, interval, listed, number, plain, reading, short, stands_out
from mechinterp.stats import Estimate, Null


def made(value: float, low: float, high: float, *, p: float | None = None) -> Estimate:
    null = None if p is None else Null(description="signs flipped", value=0.0, low=-0.1, high=0.1, p=p)
    return Estimate(name="effect", value=value, low=low, high=high, n=50, unit="levels", null=null)


@pytest.mark.parametrize(
    ("estimate", "expected"),
    [
        (made(0.5, 0.2, 0.8), "above"),
        (made(-0.5, -0.8, -0.2), "below"),
        (made(0.2, -0.1, 0.5), "unclear"),
        (made(0.2, 0.0, 0.5), "unclear"),
        (made(0.02, -0.05, 0.09), "equivalent"),
        (made(0.05, 0.02, 0.08), "equivalent"),
        (made(0.05, 0.02, 0.11), "above"),
        (made(0.5, 0.2, 0.8, p=0.001), "above"),
        (made(0.5, 0.2, 0.8, p=0.2), "unclear"),
    ],
)
def test_reading_on_either_side_of_zero(estimate, expected):
    assert reading(estimate, margin=0.1) == expected


def test_without_a_margin_nothing_is_equivalent_to_zero():
    assert reading(made(0.02, -0.05, 0.09)) == "unclear"
    with pytest.raises(ResultsError, match="margin must be above 0"):
        reading(made(0, -1, 1), margin=0.0)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(1.1, 1.5, True), (0.9, 1.5, False), (-2, -1.1, True), (-1.5, 1.5, False), (1.0, 1.5, False)],
)
def test_standing_out_needs_the_whole_interval(low, high, expected):
    estimate = made((low + high) / 2, low, high).against(Null(description="untrained", value=0, low=-1, high=1))
    assert stands_out(estimate) is expected


def test_standing_out_needs_a_null():
    with pytest.raises(ResultsError, match="has no null to stand out from"):
        stands_out(made(1, 0, 2))


@given(st.floats(-1e6, 1e6), st.floats(0, 1e5), st.floats(0, 1e5))
def test_printed_numbers_stay_in_order_and_close(value, below, above):
    estimate = made(value, value - below, value + above)
    texts = ends(estimate)
    read = [float(t.replace("\N{MINUS SIGN}", "-")) for t in texts]
    assert read[1] <= read[0] <= read[2]
    rounding = max(0.51e-6, 0.2 * estimate.half_width) if estimate.half_width > 0 else 0.51e-3
    np.testing.assert_allclose(
        read, [estimate.value, estimate.low, estimate.high], atol=max(rounding, 1e-9 * abs(value))
    )


@pytest.mark.parametrize(
    ("estimate", "options", "text"),
    [
        (made(8.4, 7.8, 9.0), {}, "8.4 [7.8, 9.0]"),
        (made(1.31, 1.12, 1.5), {"unit": "nats", "signed": True}, "+1.31 nats [1.12, 1.50]"),
        (made(0.41, 0.34, 0.48), {"percent": True}, "41 % [34, 48]"),
        (made(0.03, 0.006, 0.054), {"percent": True}, "3.0 % [0.6, 5.4]"),
        (made(0, 0, 0), {"signed": True}, "0 [0, 0]"),
    ],
)
def test_numbers_as_written(estimate, options, text):
    assert number(estimate, **options).replace("\N{NO-BREAK SPACE}", " ") == text
    value, _, rest = text.partition(" [")
    assert short(estimate, **options).replace("\N{NO-BREAK SPACE}", " ") == value
    assert interval(estimate, percent="percent" in options) == f"[{rest}"


def test_numbers_near_the_largest_float_are_written_too():
    assert "inf" in number(made(0, 0, 1e308), percent=True)
    assert number(made(0, -1e308, 1e308)).startswith("0 ")


def test_no_minus_before_zero():
    assert plain(-0.001, 2) == "0.00"
    assert plain(-0.01, 2) == "\N{MINUS SIGN}0.01"


def test_lists_and_counts():
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert count(made(0, -1, 1)) == "n = 50 levels"
