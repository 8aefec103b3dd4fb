"""Plots draw Estimates alone, and show value, interval and n of each."""

from __future__ import annotations

import dataclasses

import numpy as np
import plotly.io as pio
import pytest

from mechinterp.reporting import Figure, ResultsError
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, null_bands, written
from mechinterp.reporting.plots.maps import maps
from tests.experiments import synthetic


@pytest.mark.parametrize("wrong", [0.42, (0.42, 0.3, 0.5), None, np.float64(1)])
def test_nothing_but_an_estimate_is_drawn(wrong):
    fig = style.figure("x", "x?", height=300)
    for draws in (
        lambda: dots(fig, [wrong], [0], label="x", colour="black"),
        lambda: null_bands(fig, [wrong], [0]),
        lambda: written(fig, [wrong], [0]),
    ):
        with pytest.raises(ResultsError, match="figures draw Estimates"):
            draws()
    assert not fig.data


def test_dots_show_value_and_both_ends():
    fig = style.figure("x", "x?", height=300)
    estimate = dataclasses.replace(synthetic.estimate(2.0, 1.0), low=1.5)
    dots(fig, [estimate], [0], label="x", colour="black", unit="nats")
    trace = fig.data[0]
    assert trace.x == (2.0,)
    assert (trace.error_x.arrayminus, trace.error_x.array) == ((0.5,), (1.0,))
    assert "n = 200 levels" in trace.text[0]


def test_a_figure_needs_a_caption():
    fig = style.figure("x", "x?", height=300)
    assert Figure(fig, "A caption.").name == "x"
    with pytest.raises(ResultsError, match="figure 'x' has no caption"):
        Figure(fig, " ")


def _maps(count: int, channels: int, *, side: int = 8):
    rng = np.random.default_rng(0)
    values = {("block1.hook_out", channel): rng.normal(size=(count, 2, side, side)) for channel in range(channels)}
    return maps(
        "maps", "Where?", frames=np.stack([synthetic.frames(count, rng)] * 2, 1), levels=range(count),
        boxes=[(8.0, 16.0, 12.0, 20.0)] * count, activations=values, sides=("with", "without"),
    )  # fmt: skip


@pytest.mark.parametrize("side", [4, 8, 32])
def test_maps_lie_over_the_right_pixels(side):
    heat = next(trace for trace in _maps(1, 1, side=side).data if trace.type == "heatmap")
    assert heat.x0 - heat.dx / 2 == heat.y0 - heat.dy / 2 == -0.5
    assert heat.x0 - heat.dx / 2 + len(np.asarray(heat.z)) * heat.dx == 63.5


def test_maps_draw_a_few_examples_and_channels_with_one_box_a_panel():
    fig = _maps(3, 6)
    kinds = [trace.type for trace in fig.data]
    assert kinds.count("image") == 4 * 5  # 2 examples, both frames; the frame and 4 channels
    assert kinds.count("heatmap") == 4 * 4
    assert len(fig.layout.shapes) == 2 * 4 * 5
    assert {(shape.x0, shape.x1) for shape in fig.layout.shapes} == {(6.5, 12.5)}
    titles = [note.text for note in fig.layout.annotations]
    assert titles[:2] == ["frame", "block1.hook_out<br>channel 0"]
    assert titles[-4:] == ["level 0<br>with", "without", "level 1<br>with", "without"]


def test_one_scale_for_all_frames_of_a_channel():
    fig = _maps(2, 2)
    scales = [(trace.zmin, trace.zmax) for trace in fig.data if trace.type == "heatmap"]
    assert len(set(scales[:4])) == len(set(scales[4:])) == 1
    assert scales[0] != scales[4]


def test_drawing_does_not_touch_the_default_template():
    before = pio.templates.default
    _maps(1, 1)
    assert pio.templates.default == before
