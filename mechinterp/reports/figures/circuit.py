"""7. Which circuit carries it: the drawing, faithfulness over size, and maps of effects."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, require
from mechinterp.reporting.plots.network import AGAINST, TOWARD, drawing, words
from mechinterp.reports import schema
from mechinterp.reports.section import Section

_WAYS = {"denoise": ("denoising: enough by itself?", style.BLUE), "noise": ("noising: lost without it?", style.PINK)}
_TICKS = [1, 2, 5, 10, 20, 50, 100, 200, 500]


def figures(section: Section) -> list[go.Figure]:
    """For each question: the drawing and the curve where a circuit was found, and the maps of effects."""
    made = []
    for at, row in enumerate(section.table("questions").records()):
        if row["found"]:
            made += [_drawing(section, row, at), _curve(section, row, at)]
        made.append(_maps(section, row, at))
    return made


def _drawing(section: Section, row: dict, at: int) -> go.Figure:
    layers = section.table("layers").column("hook")
    maps = section.arrays.get(f"effects/{row['variable']}/denoise")
    own = [(r["hook"], r["channel"]) for r in section.table("nodes").records() if r["variable"] == row["variable"]]
    effects = {n: 0.0 if maps is None else float(maps[layers.index(n[0]), n[1]]) for n in own}
    edges = [
        (_node(r["source"]), _node(r["target"]), float(r["effect"]))
        for r in section.table("edges").records()
        if r["variable"] == row["variable"]
    ]
    if len(effects) > 40:  # the strongest: more cannot be told apart
        ends = {end for edge in edges for end in edge[:2]}
        effects = {n: e for n, e in effects.items() if n in ends}
    return drawing(
        layers, effects, edges, name=f"circuit-{at}-drawing",
        question=f"Through which channels does {row['variable']} reach {_readout(row)}?",
    )  # fmt: skip


def _curve(section: Section, row: dict, at: int) -> go.Figure:
    fig = style.figure(
        f"circuit-{at}-curve", f"How large must the circuit from {row['variable']} to {_readout(row)} be?", height=430
    )
    band: list[tuple[float, float, float]] = []
    for way, (label, colour) in _WAYS.items():
        found = {int(size): e for size, e in section.under("faithfulness", str(row["variable"]), way).items()}
        require(list(found.values()))
        sizes = sorted(found)
        estimates = [found[size] for size in sizes]
        fig.add_trace(
            go.Scatter(
                x=sizes, y=[e.value for e in estimates], mode="lines", line={"color": colour, "width": 1.5},
                showlegend=False, hoverinfo="skip",
            )
        )  # fmt: skip
        dots(fig, estimates, sizes, label=label, colour=colour, size=9, upright=True)
        for i, (size, e) in enumerate(zip(sizes, estimates, strict=True)):
            if e.null is not None:
                low, high = e.null.low, e.null.high
                if i < len(band):
                    low, high = min(low, band[i][1]), max(high, band[i][2])
                    band[i] = (size, low, high)
                else:
                    band.append((size, low, high))
    xs = [size for size, _, _ in band]
    fig.add_trace(
        go.Scatter(
            x=[*xs, *reversed(xs)], y=[*(high for _, _, high in band), *reversed([low for _, low, _ in band])],
            mode="lines", line={"width": 0}, fill="toself", fillcolor=style.NULL_BAND, hoverinfo="skip",
            name="random circuits, as many channels at every layer",
        )
    )  # fmt: skip
    share = float(section.facts["share"])  # pyright: ignore[reportArgumentType]
    fig.add_hline(share, line={"color": style.AMBER, "width": 1.5, "dash": "dot"}, layer="below")
    fig.add_hline(1, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.add_vline(row["nodes"], line={"color": style.AMBER, "width": 1.5, "dash": "dot"}, layer="below")
    values = [e.value for e in section.under("faithfulness", str(row["variable"])).values()]
    top, bottom = min(2.0, max(1.2, *values)), max(-1.0, min(-0.1, *values))
    fig.update_yaxes(title_text="faithfulness: share of the effect", tickformat=".0%", range=[bottom, top + 0.05])
    fig.update_xaxes(title_text=f"channels in the circuit, of {row['candidates']}", type="log", tickvals=_TICKS)
    return fig


def _maps(section: Section, row: dict, at: int) -> go.Figure:
    layers = section.table("layers").records()
    arrays = [section.arrays.get(f"effects/{row['variable']}/{way}") for way in schema.DIRECTIONS]
    kept = [array for array in arrays if array is not None]
    fig = make_subplots(
        rows=1,
        cols=2,
        subplot_titles=[label for label, _ in _WAYS.values()],
        horizontal_spacing=0.03,
        shared_yaxes=True,
    )
    style.dress(
        fig, f"circuit-{at}-effects",
        f"What does each channel carry by itself, from {row['variable']} to {_readout(row)}?",
        height=190 + 34 * len(layers),
    )  # fmt: skip
    largest = max((float(np.abs(array).max()) for array in kept), default=1.0) or 1.0
    for column, array in enumerate(kept, 1):
        shown = [
            [float(v) if c < layer["channels"] else None for c, v in enumerate(line)]
            for layer, line in zip(layers, array, strict=True)
        ]
        fig.add_trace(
            go.Heatmap(
                z=shown, y=[words(layer["hook"]) for layer in layers], zmin=-largest, zmax=largest, xgap=1, ygap=1,
                colorscale=[[0, AGAINST], [0.5, "#F4F5F7"], [1, TOWARD]], showscale=column == len(kept),
                colorbar={"title": {"text": "nats"}, "thickness": 12},
                hovertemplate="%{y}, channel %{x}<br>%{z:.4f} nats<extra></extra>",
            ),
            row=1, col=column,
        )  # fmt: skip
    fig.update_xaxes(title_text="channel", showgrid=False)
    fig.update_yaxes(autorange="reversed", showgrid=False)
    fig.update_annotations(font={"size": 12, "color": style.GREY})
    return fig


def _node(text: str) -> tuple[str, int]:
    hook, _, channel = text.rpartition("[")
    return hook, int(channel.rstrip("]"))


def _readout(row: dict) -> str:
    return {"movement": "movement", "jump": "jumping", "value": "the value"}[str(row["metric"])]
