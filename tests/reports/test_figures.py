"""Figures draw Estimates alone, from the section alone, and change nothing outside themselves."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio
import pytest

from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, null_bands, written
from mechinterp.reports import Results, ResultsError, Section, schema
from mechinterp.reports.figures import contrast, draw, figures
from mechinterp.reports.sentences import sentences
from tests.reports import synthetic


def traces(fig: go.Figure) -> list[Any]:
    return list(fig.data)


@pytest.fixture(scope="module")
def results() -> Results:
    return synthetic.results()


@pytest.fixture(scope="module")
def drawn(results: Results) -> dict[str, list[go.Figure]]:
    return draw(results)


def test_every_figure_has_a_question_a_name_and_a_sentence(results, drawn):
    names = []
    for name, made in drawn.items():
        texts = sentences(results.sections[name])
        assert set(texts) == {style.name_of(fig) for fig in made}
        for fig in made:
            assert fig.layout.title.text.rstrip(")").endswith(("?", "noising", "denoising"))
            names.append(style.name_of(fig))
    assert len(set(names)) == len(names) == 19


def test_drawing_changes_neither_template_nor_section(results):
    default, before = pio.templates.default, results.to_json()
    draw(results)
    assert pio.templates.default == default
    assert results.to_json() == before


def test_same_section_same_figure(results, drawn):
    again = [fig.to_json() for fig in figures(results.sections["drive"])]
    assert again == [fig.to_json() for fig in drawn["drive"]]


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
    estimate = dataclasses.replace(synthetic.estimate("effect", 2.0, 1.0), low=1.5)
    dots(fig, [estimate], [0], label="x", colour="black", unit="nats")
    trace = traces(fig)[0]
    assert trace.x == (2.0,)
    assert (trace.error_x.arrayminus, trace.error_x.array) == ((0.5,), (1.0,))
    assert "n = 200 levels" in trace.text[0]


def test_n_and_interval_are_visible_in_each_forest(results, drawn):
    for name in ("maximises", "drive", "patching"):
        for fig in drawn[name]:
            texts = " ".join(annotation.text for annotation in fig.layout.annotations)
            assert "[" in texts
    assert "n = 120 levels" in " ".join(a.text for a in drawn["drive"][0].layout.annotations)


def test_axes_say_their_units(drawn):
    titles = {
        style.name_of(f): f.layout.xaxis.title.text or f.layout.yaxis.title.text for fs in drawn.values() for f in fs
    }
    assert "nats" in titles["drive-movement"]
    assert "nats" in titles["patching-noise"]
    assert "standard deviations" in titles["top-channels"]
    assert "share of levels" in titles["outcomes"]


def test_a_channel_is_beyond_only_if_its_whole_interval_is(results):
    section = results.sections["contrast"]
    fig = contrast.figures(section)[0]
    groups = {trace.name: trace for trace in traces(fig)}
    beyond = groups["wholly beyond it"]
    for y, minus, plus in zip(beyond.y, beyond.error_y.arrayminus, beyond.error_y.array, strict=True):
        assert y - minus > 0.5 or y + plus < -0.5  # the narrowest band is 0.5
    drawn = sum(len(groups[name].y) for name in ("wholly beyond it", "not clear of it", "chosen on other levels"))
    assert drawn == len(section.under("channel")) == 256


def test_coloured_maps_lie_over_the_right_pixels(results):
    fig = draw(results)["contrast"][-1]
    heat = next(trace for trace in traces(fig) if trace.type == "heatmap")
    side = len(np.asarray(heat.z))
    assert heat.x0 - heat.dx / 2 == -0.5
    assert heat.x0 - heat.dx / 2 + side * heat.dx == 63.5


def _without(section: Section, *, names=(), tables=(), arrays=()) -> Section:
    return Section(
        section.name,
        tuple(e for e in section.estimates if not e.name.startswith(names)),
        {k: v for k, v in section.tables.items() if k not in tables},
        {k: v for k, v in section.arrays.items() if not k.startswith(arrays)},
        {k: v for k, v in section.facts.items() if k in schema.spec(section.name).required},
    )


@pytest.mark.parametrize(
    ("name", "leave_out", "count"),
    [
        ("who", {"tables": ("film", "episode"), "arrays": ("film",)}, 1),
        ("maximises", {"names": ("return/a", "return/u", "difference", "ending")}, 1),
        ("relocated", {"names": ("reference", "outcome/random", "outcome/absent")}, 1),
        ("drive", {"names": ("untrained", "effect/coin side/jump", "effect/agent shifted/value")}, 3),
        ("contrast", {"names": ("auroc",), "tables": ("examples",), "arrays": ("examples", "map")}, 2),
    ],
)
def test_what_is_optional_may_be_missing(results, name, leave_out, count):
    section = _without(results.sections[name], **{"names": ("-",), "arrays": ("-",), **leave_out})
    made = figures(section)
    assert len(made) == count
    assert {style.name_of(fig) for fig in made} == set(sentences(section))
    json.loads(made[0].to_json() or "")


def test_patching_without_shares(results):
    section = results.sections["patching"]
    kept = tuple(e for e in section.estimates if not e.name.endswith(("/fraction", "/all")))
    bare = Section("patching", kept, section.tables)
    assert [style.name_of(fig) for fig in figures(bare)] == ["patching-denoise", "patching-noise"]
    assert set(sentences(bare)) == {"patching-denoise", "patching-noise"}


def test_sections_that_do_not_fit_are_not_drawn():
    with pytest.raises(ResultsError, match="lacks"):
        figures(Section("drive"))


def test_a_circuit_is_drawn_from_left_to_right_with_widths_and_signs(results, drawn):
    section = results.sections["circuit"]
    names = [style.name_of(fig) for fig in drawn["circuit"]]
    assert names == ["circuit-0-drawing", "circuit-0-curve", "circuit-0-effects", "circuit-1-effects"]
    lines = [trace for trace in traces(drawn["circuit"][0]) if trace.mode == "lines"]
    rows = section.table("edges").records()
    assert len(lines) == len(rows)
    assert all(line.x[0] < line.x[-1] for line in lines)
    widest = max(lines, key=lambda line: line.line.width)
    assert "0.0800" in widest.text
    colours = {line.line.color for line in lines if "+0.0" in line.text and "+0.0000" not in line.text}
    assert len(colours) == 1
    dots = sum(len(trace.x) for trace in traces(drawn["circuit"][0]) if trace.mode != "lines")
    assert dots == len(section.table("nodes"))


def test_a_circuit_that_was_not_found_needs_no_shares(results):
    section = results.sections["circuit"]
    rows = tuple(row for row in section.table("questions").rows if not row[6])
    tables = {**section.tables, "questions": type(section.table("questions"))(section.table("questions").columns, rows)}
    bare = Section("circuit", section.estimates, tables, section.arrays, section.facts)
    assert [style.name_of(fig) for fig in figures(bare)] == ["circuit-0-effects"]
    assert "no effect for a circuit to carry" in sentences(bare)["circuit-0-effects"]
    kept = tuple(e for e in section.estimates if not e.name.startswith("chosen"))
    with pytest.raises(ResultsError, match="lacks 'chosen/coin side/denoise'"):
        figures(Section("circuit", kept, section.tables, section.arrays, section.facts))
