"""Sentences say as much as the interval allows, on either side of 0, and no more."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechinterp.reporting.wording import ends, number, plain, reading, stands_out
from mechinterp.reports import Results, ResultsError, Section
from mechinterp.reports.sentences import drive, maximises, patching, relocated, sentences
from mechinterp.reports.summary import headlines
from mechinterp.stats import Estimate, Null
from tests.reports import synthetic

ROW = {"clean": "coin right", "corrupted": "coin left", "variable": "coin side", "role": "coin"}


def made(value: float, low: float, high: float, *, p: float | None = None) -> Estimate:
    null = None if p is None else synthetic.flips(0.1, p)
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


def test_without_a_margin_nothing_is_equivalent():
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


@pytest.mark.parametrize(
    ("estimate", "words", "never"),
    [
        (
            made(0.42, 0.32, 0.52),
            "instead of coin left moves it toward the right: +0.42 nats",
            "left:",
        ),
        (made(-0.42, -0.52, -0.32), "moves it toward the left: \N{MINUS SIGN}0.42 nats", "right:"),
        (made(0.2, -0.1, 0.5), "no clear effect (+0.2 nats [\N{MINUS SIGN}0.1, 0.5])", "moves"),
        (made(0.01, -0.05, 0.07), "no effect to speak of (+0.01 nats", "moves"),
        (made(0.5, 0.2, 0.8, p=0.2), "no clear effect (+0.5 nats [0.2, 0.8], p = 0.2)", "moves"),
        (made(0, 0, 0), "changes nothing at all", "moves"),
    ],
)
def test_effects_in_words(estimate, words, never):
    text = drive.effect(estimate, ROW, "movement", margin=0.1).replace("\N{NO-BREAK SPACE}", " ")
    assert words in text
    assert never not in text


@pytest.mark.parametrize(
    ("value", "half", "words"),
    [
        (1.9, 0.7, "On the same levels that is 1.9 [1.2, 2.6] more than always right + jump"),
        (-1.9, 0.7, "[\N{MINUS SIGN}2.6, \N{MINUS SIGN}1.2] less than always right + jump"),
        (0.3, 0.7, "It is not clearly better or worse than always right + jump (+0.3"),
    ],
)
def test_differences_of_return_in_words(value, half, words):
    text = maximises.compared({"always right + jump": made(value, value - half, value + half)})
    assert words in text


@pytest.mark.parametrize(
    ("coin", "end", "words"),
    [(0.7, 0.2, "the coin more often"), (0.2, 0.7, "the end more often"), (0.45, 0.42, "neither clearly more often")],
)
def test_coin_and_end_are_compared_by_their_intervals(coin, end, words):
    shares = {"coin": coin, "end": end, "died": 1 - coin - end}
    stock = {"coin": 0.9, "died": 0.1}
    both = {"stock": stock, "left of agent": shares}
    section = Section(
        "relocated", tuple(synthetic.share(f"outcome/{p}/{o}", v) for p, r in both.items() for o, v in r.items())
    )
    lines = relocated.sentences(section)["outcomes"].split("\n")
    assert words in lines[1]
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("total", "difference", "words"),
    [
        (made(1, 0.8, 1.2), made(0.3, 0.1, 0.5), "restore clearly more"),
        (made(1, 0.8, 1.2), made(-0.3, -0.5, -0.1), "restore less"),
        (made(1, 0.8, 1.2), made(0.1, -0.1, 0.3), "do not clearly differ"),
        (made(-1, -1.2, -0.8), made(-0.3, -0.5, -0.1, p=0.001), "restore clearly more"),  # of a negative effect
        (made(-1, -1.2, -0.8), made(0.3, 0.1, 0.5, p=0.001), "restore less"),
        (made(-1, -1.2, -0.8), made(-0.3, -0.5, -0.1, p=0.5), "do not clearly differ"),
    ],
)
def test_chosen_against_random_in_words(total, difference, words):
    section = synthetic.patching()
    name = "denoise/block2.hook_pool/difference"
    others = (
        *(e for e in section.estimates if not e.name.endswith("/difference") and e.name != "total"),
        total.renamed("total"),
    )
    sites = section.table("sets").column("hook")
    changed = tuple(difference.renamed(f"{d}/{site}/difference") for d in ("denoise", "noise") for site in sites)
    assert name in {e.name for e in changed}
    text = patching.sentences(dataclasses.replace(section, estimates=(*others, *changed)))["patching-denoise"]
    assert words in text


def test_nothing_to_carry_is_said():
    section = synthetic.patching()
    unclear = tuple(made(0.05, -0.1, 0.2).renamed("total") if e.name == "total" else e for e in section.estimates)
    text = patching.sentences(dataclasses.replace(section, estimates=unclear))["patching-denoise"]
    assert "has no clear effect itself" in text
    assert "random" not in text  # there is nothing that channels could carry more or less of


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.42, "moves this policy's actions: toward the side"),
        (-0.42, "away from the side"),
        (0.0, "does not move this policy's actions to speak of"),
        (0.05, "It is not clear whether"),
    ],
)
def test_the_headline_follows_the_interval(value, words):
    results = synthetic.results()
    results = Results(results.identity, {}, {"drive": synthetic.drive(value)})
    assert words in headlines(results)[0]
    assert len(headlines(results)) == 1


def test_without_the_measurement_the_headline_says_so():
    assert "was not measured" in headlines(Results(synthetic.results().identity))[0]


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


def test_no_minus_before_zero():
    assert plain(-0.001, 2) == "0.00"
    assert plain(-0.01, 2) == "\N{MINUS SIGN}0.01"


def test_every_sentence_has_its_number():
    for section in synthetic.results().sections.values():
        for name, text in sentences(section).items():
            if name != "maps":
                assert any(c.isdigit() for c in text), name
