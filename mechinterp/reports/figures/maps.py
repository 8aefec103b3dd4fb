"""Activation maps over example frames, the coin outlined."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.pictures import bare_axes, image, washed
from mechinterp.reports.section import Section

COLUMNS, EXAMPLES = 4, 2
"""How many channels, and how many examples, are drawn at most."""

_HEAT = [[0.0, "rgba(0,114,178,0)"], [0.25, "rgba(0,114,178,0.30)"], [1.0, "rgba(0,60,120,0.92)"]]
_COLD = [[0.0, "rgba(213,94,0,0.9)"], [0.5, "rgba(255,255,255,0)"], [1.0, "rgba(0,60,120,0.9)"]]


def drawable(section: Section) -> list[tuple[str, int]]:
    """(hook, channel) of the chosen channels whose maps were kept."""
    if "examples" not in section.arrays:
        return []
    rows = section.table("top").records()
    return [(r["hook"], r["channel"]) for r in rows if f"map/{r['hook']}/{r['channel']}" in section.arrays][:COLUMNS]


def figure(section: Section) -> go.Figure:
    """For each example, the frame with and without the coin, and each channel's map over both."""
    chosen = drawable(section)
    pictures = section.arrays["examples"][:EXAMPLES]
    boxes = section.table("examples").records()[:EXAMPLES]
    rows = 2 * len(pictures)
    titles = ["what it sees", *(f"{hook}<br>channel {channel}" for hook, channel in chosen)]
    fig = make_subplots(
        rows=rows, cols=1 + len(chosen), column_titles=titles, horizontal_spacing=0.012, vertical_spacing=0.012,
        row_titles=[word for box in boxes for word in (f"level {box['level']}<br>with coin", "without")],
    )  # fmt: skip
    style.dress(fig, "maps", "Where in the picture do they respond?", height=120 + 190 * rows)
    for row in range(rows):
        example, absent = divmod(row, 2)
        fig.add_trace(image(pictures[example, absent]), row=row + 1, col=1)
    for column, (hook, channel) in enumerate(chosen, 2):
        maps = section.arrays[f"map/{hook}/{channel}"][:EXAMPLES]
        low, high = min(0.0, float(maps.min())), max(float(maps.max()), 1e-9)
        for row in range(rows):
            example, absent = divmod(row, 2)
            fig.add_trace(image(washed(pictures[example, absent])), row=row + 1, col=column)
            heat = _heat(maps[example, absent], low, high, f"{hook}, channel {channel}")
            fig.add_trace(heat, row=row + 1, col=column)
    bare_axes(fig)
    panels = range(rows * (1 + len(chosen)))
    fig.update_layout(shapes=[s for p in panels for s in _outline(boxes[p // (1 + len(chosen)) // 2], p)])
    fig.update_layout(margin={"l": 12, "r": 64, "t": 112, "b": 12}, showlegend=False)
    fig.update_annotations(font={"size": 12, "color": style.GREY})
    return fig


def _heat(values: np.ndarray, low: float, high: float, label: str) -> go.Heatmap:
    side = 64 / len(values)
    signed = low < -0.1 * high
    scale = max(high, -low)
    return go.Heatmap(
        z=values, x0=side / 2 - 0.5, dx=side, y0=side / 2 - 0.5, dy=side, showscale=False,
        zmin=-scale if signed else 0, zmax=scale, colorscale=_COLD if signed else _HEAT,
        hovertemplate=f"{label}<br>activation %{{z:.2f}}<extra></extra>",
    )  # fmt: skip


def _outline(box: dict, panel: int) -> list[dict]:
    """The coin's place, a pixel wider on each side so that the coin stays visible; panels count from 0, row by row."""
    axis = str(panel + 1) if panel else ""
    corners = {"x0": box["left"] - 1.5, "y0": box["top"] - 1.5, "x1": box["right"] + 0.5, "y1": box["bottom"] + 0.5}
    lines = ({"color": "white", "width": 4}, {"color": style.RED, "width": 2})
    return [{"type": "rect", "xref": f"x{axis}", "yref": f"y{axis}", "line": line, **corners} for line in lines]
