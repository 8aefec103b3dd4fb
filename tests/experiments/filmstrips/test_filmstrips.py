"""Filmstrips: the frames are those of the episodes, and each row is drawn as far as its episode goes."""

from __future__ import annotations

import numpy as np

import mechinterp as mi
from mechinterp.coinrun.scenes import render
from mechinterp.experiments import Context, Inputs, Plan, Results
from mechinterp.experiments.filmstrips.measure import Size, measure
from mechinterp.experiments.filmstrips.view import figures
from mechinterp.experiments.inputs.games import forks
from tests.experiments.handmade import notes, read_back


def test_the_same_level_is_shown_under_each_intervention():
    own = Inputs(mi.load("checkpoints/coin"), Plan(levels=20, states=2, quick=True))
    found = measure(Context(own, Size(frames=6, every=6, levels=3), np.random.default_rng(0)))
    fork, _ = found.films
    start = forks(own, 2).starts[0].state
    by_name = {strip.intervention: strip for strip in fork.strips}
    assert np.array_equal(by_name["plain"].frames[0], render([start])[0])
    assert np.array_equal(by_name["steered right"].frames[0], render([start])[0])
    assert not np.array_equal(by_name["coin absent"].frames[0], render([start])[0])
    assert by_name["plain"].ending == "takes the coin"
    assert by_name["steered right"].ending != "takes the coin"
    for strip in fork.strips:
        assert len(strip.frames) == min(6, -(-strip.length // 6))
    assert read_back(found) == found
    figure, _ = figures(found)
    assert len(figure.plot.data) == sum(len(strip.frames) for strip in fork.strips)
    assert "<b>plain</b><br>takes the coin" in notes(figure)
    assert "Plain: it takes the coin after" in figure.caption


def test_the_page_is_written_and_read_back(tmp_path):
    subject = mi.load("checkpoints/coin")
    found = mi.steer(subject, levels=20, quick=True, only=["filmstrips"], out=tmp_path / "page")
    page = (tmp_path / "page" / "steering.html").read_text(encoding="utf-8")
    assert "What makes coin go elsewhere?" in page
    assert Results.load(tmp_path / "page" / "results.json")["filmstrips"] == found["filmstrips"]
