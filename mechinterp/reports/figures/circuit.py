"""7. Which circuit carries it: the drawing, faithfulness over size, and maps of effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mechinterp.reports import schema
from mechinterp.reports.figures import style
from mechinterp.reports.figures.dots import dots, require
from mechinterp.reports.section import Section

_WAYS = {"denoise": ("denoising: enough by itself?", style.BLUE), "noise": ("noising: lost without it?", style.PINK)}
TOWARD, AGAINST = style.BLUE, style.RED
_WIDEST = 7.0
_TICKS = [1, 2, 5, 10, 20, 50, 100, 200, 500]


def figures(section: Section) -> list[go.Figure]:
    """For each question: the drawing and the curve where a circuit was found, and the maps of effects."""
    made = []
    for at, row in enumerate(section.table("questions").records()):
        if row["found"]:
            made += [_drawing(section, row, at), _curve(section, row, at)]
        made.append(_maps(section, row, at))
    return made


def drawing(
    layers: Sequence[str],
    nodes: Mapping[tuple[str, int], float],
    edges: Sequence[tuple[tuple[str, int], tuple[str, int], float]],
    *,
    name: str,
    question: str,
) -> go.Figure:
    """A circuit: a column a layer, from left to right, a dot a channel, a line an edge.

    Args:
        layers: hook points, in running order.
        nodes: (hook, channel) -> its own effect, whose sign is the dot's colour and whose size is the dot's.
        edges: source, target and effect, whose sign is the line's colour and whose size is its width.
    """
    used = [hook for hook in layers if any(node[0] == hook for node in nodes)]
    columns = {hook: sorted((n for n in nodes if n[0] == hook), key=lambda node: node[1]) for hook in used}
    tallest = max((len(column) for column in columns.values()), default=1)
    place = {
        node: (x, (len(column) - 1) / 2 - row)
        for x, column in enumerate(columns.values())
        for row, node in enumerate(column)
    }
    fig = style.figure(name, question, height=190 + max(180, 30 * tallest))
    largest = max((abs(effect) for _, _, effect in edges), default=1.0) or 1.0
    for source, target, effect in sorted(edges, key=lambda edge: abs(edge[2])):
        if source not in place or target not in place:
            continue
        (x0, y0), (x1, y1) = place[source], place[target]
        share = abs(effect) / largest
        fig.add_trace(
            go.Scatter(
                x=_bent(x0, x1), y=_bow(y0, y1, x1 - x0), mode="lines", showlegend=False, opacity=0.18 + 0.62 * share,
                line={"width": 0.6 + (_WIDEST - 0.6) * share, "color": TOWARD if effect > 0 else AGAINST},
                hoverinfo="text", text=f"{_short(source)} to {_short(target)}: {effect:+.4f} nats",
            )
        )  # fmt: skip
    biggest = max((abs(effect) for effect in nodes.values()), default=1.0) or 1.0
    for colour, label, sign in ((TOWARD, "toward the clean side", 1), (AGAINST, "against it", -1)):
        own = [node for node, effect in nodes.items() if (effect > 0) == (sign > 0)]
        fig.add_trace(
            go.Scatter(
                x=[place[n][0] for n in own], y=[place[n][1] for n in own], mode="markers+text", name=label,
                marker={"size": [13 + 12 * (abs(nodes[n]) / biggest) ** 0.5 for n in own], "color": colour,
                        "line": {"width": 1.5, "color": "white"}},
                text=[str(n[1]) for n in own], textposition="middle center", textfont={"size": 10, "color": "white"},
                hovertext=[f"{_short(n)}: {nodes[n]:+.4f} nats by itself" for n in own], hoverinfo="text",
            )
        )  # fmt: skip
    for x, hook in enumerate(used):
        style.note(fig, _words(hook), x=x, y=0, yref="paper", yanchor="top", xanchor="center", yshift=-6)
    half = (tallest - 1) / 2 + 0.8
    fig.update_xaxes(visible=False, range=[-0.5, len(used) - 0.5])
    fig.update_yaxes(visible=False, range=[-half, half])
    fig.update_layout(margin={"l": 16, "r": 16, "b": 52})
    return fig


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
                z=shown, y=[_words(layer["hook"]) for layer in layers], zmin=-largest, zmax=largest, xgap=1, ygap=1,
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


def _bent(start: float, stop: float) -> list[float]:
    return [start + (stop - start) * t for t in np.linspace(0, 1, 12)]


def _bow(start: float, stop: float, columns: float) -> list[float]:
    """An S from dot to dot; lines that pass over a column bow, so as not to run through its dots."""
    ts = np.linspace(0, 1, 12)
    lift = 0.0 if columns <= 1 else 0.35 * (columns - 1)
    return [start + (stop - start) * (3 * t**2 - 2 * t**3) + lift * 4 * t * (1 - t) for t in ts]


def _node(text: str) -> tuple[str, int]:
    hook, _, channel = text.rpartition("[")
    return hook, int(channel.rstrip("]"))


def _short(node: tuple[str, int]) -> str:
    return f"{_words(node[0])} {node[1]}"


def _words(hook: str) -> str:
    """`block2.res1.hook_branch` as `block2 res1 branch`."""
    return hook.replace("hook_", "").replace(".", " ")


def _readout(row: dict) -> str:
    return {"movement": "movement", "jump": "jumping", "value": "the value"}[str(row["metric"])]
