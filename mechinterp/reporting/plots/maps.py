"""Activation maps over example frames, the object outlined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, UInt8
from plotly.subplots import make_subplots

from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.pictures import bare_axes, image, washed

COLUMNS, EXAMPLES = 4, 2
"""How many channels, and how many examples, are drawn at most."""
LEGEND = (
    "Blue: where the channel is active (orange: where it is negative), on one scale for all frames of the channel. The "
    "box marks the coin's place, in both frames of a pair."
)
"""How to read the figure."""
Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels of the frame."""

_HEAT = [[0.0, "rgba(0,114,178,0)"], [0.25, "rgba(0,114,178,0.30)"], [1.0, "rgba(0,60,120,0.92)"]]
_COLD = [[0.0, "rgba(213,94,0,0.9)"], [0.5, "rgba(255,255,255,0)"], [1.0, "rgba(0,60,120,0.9)"]]


def maps(
    name: str,
    question: str,
    *,
    frames: UInt8[np.ndarray, "examples 2 64 64 3"],
    levels: Sequence[int],
    boxes: Sequence[Box],
    activations: Mapping[tuple[str, int], Float[np.ndarray, "examples 2 side side"]],
    sides: tuple[str, str] = ("with coin", "without"),
) -> go.Figure:
    """For each example both frames of the pair, and next to them each channel's map over both.

    At most `EXAMPLES` examples and `COLUMNS` channels are drawn, the first ones.

    Args:
        levels, boxes: of each example: its level, and the object's place.
        activations: by hook point and channel.
        sides: what the two frames of a pair are.
    """
    frames, boxes = frames[:EXAMPLES], boxes[:EXAMPLES]
    shown = list(activations.items())[:COLUMNS]
    rows, width = 2 * len(frames), 1 + len(shown)
    fig = make_subplots(
        rows=rows, cols=width, horizontal_spacing=0.012, vertical_spacing=0.012,
        column_titles=["frame", *(f"{style.literal(hook)}<br>channel {channel}" for (hook, channel), _ in shown)],
        row_titles=[words for level in levels[: len(frames)] for words in (f"level {level}<br>{sides[0]}", sides[1])],
    )  # fmt: skip
    style.dress(fig, name, question, height=120 + 190 * rows)
    for row in range(rows):
        fig.add_trace(image(frames[divmod(row, 2)]), row=row + 1, col=1)
    for column, ((hook, channel), values) in enumerate(shown, 2):
        values = values[:EXAMPLES]
        low, high = min(0.0, float(values.min())), max(float(values.max()), 1e-9)
        for row in range(rows):
            fig.add_trace(image(washed(frames[divmod(row, 2)])), row=row + 1, col=column)
            heat = _heat(values[divmod(row, 2)], low, high, f"{style.literal(hook)}, channel {channel}")
            fig.add_trace(heat, row=row + 1, col=column)
    bare_axes(fig)
    fig.update_layout(shapes=[s for p in range(rows * width) for s in _outline(boxes[p // width // 2], p)])
    fig.update_layout(margin={"l": 12, "r": 64, "t": 112, "b": 12}, showlegend=False)
    fig.update_annotations(font={"size": 12, "color": style.GREY})
    return fig


def _heat(values: Float[np.ndarray, "side side"], low: float, high: float, label: str) -> go.Heatmap:
    side = 64 / len(values)
    signed = low < -0.1 * high
    scale = max(high, -low)
    return go.Heatmap(
        z=values, x0=side / 2 - 0.5, dx=side, y0=side / 2 - 0.5, dy=side, showscale=False,
        zmin=-scale if signed else 0, zmax=scale, colorscale=_COLD if signed else _HEAT,
        hovertemplate=f"{label}<br>activation %{{z:.2f}}<extra></extra>",
    )  # fmt: skip


def _outline(box: Box, panel: int) -> list[dict]:
    """The object's place, a pixel wider on each side so that it stays visible; panels count from 0, row by row."""
    axis = str(panel + 1) if panel else ""
    left, top, right, bottom = box
    corners = {"x0": left - 1.5, "y0": top - 1.5, "x1": right + 0.5, "y1": bottom + 0.5}
    lines = ({"color": "white", "width": 4}, {"color": style.RED, "width": 2})
    return [{"type": "rect", "xref": f"x{axis}", "yref": f"y{axis}", "line": line, **corners} for line in lines]
