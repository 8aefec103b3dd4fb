"""Frames as small images inside figures."""

from __future__ import annotations

import base64
import io

import numpy as np
import plotly.graph_objects as go
from jaxtyping import UInt8


def png(frame: UInt8[np.ndarray, "height width 3"]) -> str:
    """A picture as a `data:` address, which needs no file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(frame)).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def image(frame: UInt8[np.ndarray, "height width 3"], *, hover: str = "") -> go.Image:
    """A picture as a trace, its pixels kept sharp."""
    if hover:
        return go.Image(source=png(frame), zsmooth=False, hovertemplate=hover + "<extra></extra>")
    return go.Image(source=png(frame), zsmooth=False, hoverinfo="skip")


def washed(frame: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "height width 3"]:
    """The picture in pale grey, so that a map over it can be read (luma of Rec. 601)."""
    grey = frame @ np.array([0.299, 0.587, 0.114])
    return np.repeat((255 - 0.55 * (255 - grey))[..., None], 3, axis=-1).astype(np.uint8)


def bare_axes(fig: go.Figure) -> None:
    """No ticks, no lines, square pixels: axes of pictures."""
    fig.update_xaxes(visible=False, constrain="domain")
    fig.update_yaxes(visible=False, constrain="domain")
