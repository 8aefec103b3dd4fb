"""Activation maps over example frames, the object outlined; and the frames in which a channel is largest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, UInt8
from plotly.subplots import make_subplots

from mechinterp.policies.nodes import FRAME
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.pictures import bare_axes, image, washed

_POSITIVE = [[0.0, "rgba(0,114,178,0)"], [0.25, "rgba(0,114,178,0.30)"], [1.0, "rgba(0,60,120,0.92)"]]
_SIGNED = [[0.0, "rgba(213,94,0,0.9)"], [0.5, "rgba(255,255,255,0)"], [1.0, "rgba(0,60,120,0.9)"]]


@dataclass(frozen=True, eq=False)
class ChannelMaps:
    """One channel's map in each example.

    Attributes:
        label: the channel, for its column; a line break is ``<br>``.
        maps: with the object, and without it.
    """

    label: str
    maps: Float[np.ndarray, "examples 2 side side"]


@dataclass(frozen=True, eq=False)
class Examples:
    """Frames with an object and without it.

    Attributes:
        frames: with the object, and without it.
        boxes: left, top, right and bottom of the object, in pixels.
        levels: of each example.
    """

    frames: UInt8[np.ndarray, "examples 2 64 64 3"]
    boxes: Float[np.ndarray, "examples 4"]
    levels: Sequence[int]


def channel_maps(
    name: str, question: str, examples: Examples, channels: Sequence[ChannelMaps], *, thing: str = "coin"
) -> go.Figure:
    """For each example, the frame with and without the object, and each channel's map over both.

    Args:
        name, question: see `style.figure`.
        channels: a column each, on one colour scale of its own.
        thing: what the object is called.
    """
    rows = 2 * len(examples.frames)
    fig = make_subplots(
        rows=rows, cols=1 + len(channels), column_titles=["observation", *(one.label for one in channels)],
        horizontal_spacing=0.012, vertical_spacing=0.012,
        row_titles=[word for level in examples.levels for word in (f"level {level}<br>with {thing}", "without")],
    )  # fmt: skip
    style.dress(fig, name, question, height=120 + 190 * rows)
    for row in range(rows):
        example, absent = divmod(row, 2)
        fig.add_trace(image(examples.frames[example, absent]), row=row + 1, col=1)
    for column, channel in enumerate(channels, 2):
        low, high = min(0.0, float(channel.maps.min())), max(float(channel.maps.max()), 1e-9)
        for row in range(rows):
            example, absent = divmod(row, 2)
            fig.add_trace(image(washed(examples.frames[example, absent])), row=row + 1, col=column)
            fig.add_trace(_heat(channel.maps[example, absent], low, high, channel.label), row=row + 1, col=column)
    bare_axes(fig)
    across = 1 + len(channels)
    fig.update_layout(
        shapes=[line for p in range(rows * across) for line in _outline(examples.boxes[p // across // 2], p)]
    )
    fig.update_layout(margin={"l": 12, "r": 64, "t": 112, "b": 12}, showlegend=False)
    fig.update_annotations(font={"size": 12, "color": style.GREY})
    return fig


def top_frames(
    name: str, question: str, channels: Sequence[tuple[str, UInt8[np.ndarray, "frames 64 64 3"]]]
) -> go.Figure:
    """A row of frames for each channel.

    Args:
        name, question: see `style.figure`.
        channels: label and frames of each.
    """
    fig = make_subplots(
        rows=len(channels), cols=max(len(frames) for _, frames in channels), horizontal_spacing=0.01,
        vertical_spacing=0.02, row_titles=[label for label, _ in channels],
    )  # fmt: skip
    style.dress(fig, name, question, height=100 + 170 * len(channels))
    for row, (_, frames) in enumerate(channels, 1):
        for column, frame in enumerate(frames, 1):
            fig.add_trace(image(frame), row=row, col=column)
    bare_axes(fig)
    fig.update_annotations(font={"size": 12, "color": style.GREY})
    fig.update_layout(margin={"l": 12, "r": 64, "t": 80, "b": 8}, showlegend=False)
    return fig


def _heat(values: Float[np.ndarray, "side side"], low: float, high: float, label: str) -> go.Heatmap:
    side = FRAME / len(values)
    signed = low < -0.1 * high
    scale = max(high, -low)
    label = label.replace("<br>", ", ")
    return go.Heatmap(
        z=values, x0=side / 2 - 0.5, dx=side, y0=side / 2 - 0.5, dy=side, showscale=False,
        zmin=-scale if signed else 0, zmax=scale, colorscale=_SIGNED if signed else _POSITIVE,
        hovertemplate=f"{label}<br>activation %{{z:.2f}}<extra></extra>",
    )  # fmt: skip


def _outline(box: Float[np.ndarray, " 4"], panel: int) -> list[dict]:
    """The object's box, a pixel wider on each side so that it stays visible; panels count from 0, row by row."""
    axis = str(panel + 1) if panel else ""
    left, top, right, bottom = map(float, box)
    corners = {"x0": left - 1.5, "y0": top - 1.5, "x1": right + 0.5, "y1": bottom + 0.5}
    lines = ({"color": "white", "width": 4}, {"color": style.RED, "width": 2})
    return [{"type": "rect", "xref": f"x{axis}", "yref": f"y{axis}", "line": line, **corners} for line in lines]
