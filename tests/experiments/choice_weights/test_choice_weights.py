"""Choice weights: what is said of results made by hand, and a measurement of a network that wants nothing."""

from __future__ import annotations

import pytest

from mechinterp.experiments.choice_weights.result import ProxyWeight, Result
from mechinterp.experiments.choice_weights.view import figures, headline, sentence, text
from mechinterp.stats import Estimate


def estimate(value: float, half: float = 0.1) -> Estimate:
    return Estimate(name="choice weight", value=value, low=value - half, high=value + half, n=100, unit="levels")


def proxy(value: float, *, own: float | None = None, p: float = 0.01) -> ProxyWeight:
    return ProxyWeight(
        words="having more of it", unit="cells", weight=estimate(value), own=None if own is None else estimate(own),
        unique=0.1, per_unit=0.3, random_low=-0.05, random_high=0.05, p=p, contexts={"in the air": estimate(value)},
    )  # fmt: skip


def result(**proxies: ProxyWeight) -> Result:
    return Result(decisions=300, levels=100, explained=0.25, entropy=1.4, networks=100, proxies=proxies)


def test_the_headline_names_what_stands_out_and_in_which_direction():
    found = headline(result(coin=proxy(0.5, own=0.4), right=proxy(-0.8), height=proxy(0.05)))
    assert found == (
        "Its choices follow coin (+0.40\N{NO-BREAK SPACE}nats per SD [0.30, 0.50]), and go against right "
        "(\N{MINUS SIGN}0.80\N{NO-BREAK SPACE}nats per SD [\N{MINUS SIGN}0.90, \N{MINUS SIGN}0.70])."
    )


def test_a_weight_that_the_phantom_or_random_networks_earn_as_well_is_no_value():
    assert "No value" in headline(result(coin=proxy(0.5, own=0.02), right=proxy(0.8, p=0.3)))


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (proxy(0.5, own=0.4), "the phantom's taken off (as fitted +0.50): more than in random networks"),
        (proxy(0.5, p=0.2), ": as in random networks"),
        (proxy(0.05), ": not clearly different from 0"),
    ],
)
def test_each_proxy_is_said_in_words(one, words):
    assert words in sentence("coin", one)


def test_the_strongest_proxy_is_shown_by_context():
    found = result(coin=proxy(0.5, own=0.4), right=proxy(0.8))
    forest, contexts = figures(found)
    assert forest.name == "choice-weights"
    assert "right" in contexts.caption
    assert text(found).keys[1].label == "choice weight of right"
