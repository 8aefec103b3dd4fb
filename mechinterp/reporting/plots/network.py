"""Channels and edges, drawn: layers from left to right, lines as wide as their effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from mechinterp.reporting.plots import style

TOWARD, AGAINST = style.BLUE, style.RED
_WIDEST = 7.0
_WIDE = 5
"""With more columns than this, their names take two lines."""


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
        nodes: (hook, channel) -> its own effect, whose sign is the dot's colour and whose size is the dot's; grey where
            it is 0.
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
    for colour, label, sign in (
        (TOWARD, "toward the clean side", 1),
        (AGAINST, "against it", -1),
        (style.GREY, "none by itself, or not measured", 0),
    ):
        own = [node for node, effect in nodes.items() if np.sign(effect) == sign]
        if not own:
            continue
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
        label = words(hook).replace(" ", "<br>", 1) if len(used) > _WIDE else words(hook)
        style.note(fig, label, x=x, y=0, yref="paper", yanchor="top", xanchor="center", yshift=-6)
    half = (tallest - 1) / 2 + 0.8
    fig.update_xaxes(visible=False, range=[-0.5, len(used) - 0.5])
    fig.update_yaxes(visible=False, range=[-half, half])
    fig.update_layout(margin={"l": 16, "r": 16, "b": 52})
    return fig


def _bent(start: float, stop: float) -> list[float]:
    return [start + (stop - start) * t for t in np.linspace(0, 1, 12)]


def _bow(start: float, stop: float, columns: float) -> list[float]:
    """An S from dot to dot; lines that pass over a column bow, so as not to run through its dots."""
    ts = np.linspace(0, 1, 12)
    lift = 0.0 if columns <= 1 else 0.35 * (columns - 1)
    return [start + (stop - start) * (3 * t**2 - 2 * t**3) + lift * 4 * t * (1 - t) for t in ts]


def _short(node: tuple[str, int]) -> str:
    return f"{words(node[0])} {node[1]}"


def words(hook: str) -> str:
    """`block2.res1.hook_branch` as `block2 res1 branch`, for plotly."""
    return style.literal(hook.replace("hook_", "").replace(".", " "))
