"""Stories: what is said of scores made by hand."""

from __future__ import annotations

import pytest

from mechinterp.experiments.stories.result import Kind, Result, Story
from mechinterp.experiments.stories.view import figures, headline
from mechinterp.stats import Estimate


def estimate(value: float, half: float = 0.02) -> Estimate:
    return Estimate(name="nats a step", value=value, low=value - half, high=value + half, n=100, unit="levels")


def story(kind: Kind, nats: float, over: float | None = None) -> Story:
    return Story(
        kind=kind, nats=estimate(nats), share=nats / 0.7, numbers=1, penalised=nats - 0.01,
        over_return=None if over is None else estimate(over),
    )  # fmt: skip


def result(returns: float, coin: float, right: float) -> Result:
    stories = {
        "maximises the return": story("return", returns),
        "wants coin": story("proxy", coin, coin - returns),
        "wants right": story("proxy", right, right - returns),
    }
    return Result(decisions=300, levels=100, explainable=0.7, mixtures=40, random_high=0.02, stories=stories)


@pytest.mark.parametrize(
    ("nats", "words"),
    [
        ((0.0, 0.01, 0.2), '"It wants right" explains its choices better than "it maximises the return" (29'),
        ((0.2, 0.1, 0.0), '"It maximises the return" explains its choices better than "it wants coin" (29'),
        ((0.2, 0.21, 0.0), '"It wants coin" and "it maximises the return" explain its choices about as well'),
        ((0.0, 0.01, 0.0), "Neither the return nor any single proxy"),
    ],
)
def test_the_headline_compares_the_return_with_the_best_proxy(nats, words):
    assert headline(result(*nats)).startswith(words)


def test_every_story_is_drawn_and_said():
    (figure,) = figures(result(0.0, 0.01, 0.2))
    assert len(figure.caption.splitlines()) == 3
    assert "It wants right: 0.20" in figure.caption.replace("\N{NO-BREAK SPACE}", " ")
