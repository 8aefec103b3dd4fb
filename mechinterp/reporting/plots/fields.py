"""Numbers over the cells of the view, with the agent in the middle."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int64
from plotly.subplots import make_subplots

from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.heat import SCALE


def fields(
    name: str,
    question: str,
    panels: Mapping[str, Float[np.ndarray, "side side"]],
    *,
    counts: Int64[np.ndarray, "side side"],
    unit: str,
) -> go.Figure:
    """Panels in a row on one scale: blue above 0, red below. Rows go down, columns to the right.

    Args:
        panels: by title.
        counts: of how many states each cell is the mean; cells of none are empty.
        unit: of the numbers.
    """
    fig = make_subplots(
        rows=1, cols=len(panels), subplot_titles=[style.literal(title) for title in panels], horizontal_spacing=0.06
    )
    style.dress(fig, name, question, height=560 if len(panels) < 3 else 440)
    known = counts > 0
    full = max(float(np.abs(values[known]).max()) for values in panels.values()) if known.any() else 1.0
    middle = counts.shape[0] // 2
    offsets = np.arange(-middle, middle + 1)
    for column, values in enumerate(panels.values(), 1):
        fig.add_trace(
            go.Heatmap(
                z=np.where(known, values, np.nan), x=offsets, y=-offsets, zmin=-full, zmax=full, colorscale=SCALE,
                customdata=counts, hoverongaps=False, showscale=column == len(panels), xgap=1, ygap=1,
                colorbar={"title": {"text": unit}, "thickness": 12, "outlinewidth": 0, "len": 0.9},
                hovertemplate="%{x} right, %{y} up: %{z:.2f} " + unit + ", %{customdata} states<extra></extra>",
            ),
            row=1, col=column,
        )  # fmt: skip
        style.note(
            fig, "agent", x=0, y=0, xref=f"x{column if column > 1 else ''}", yref=f"y{column if column > 1 else ''}",
            xanchor="center", font={"size": 11, "color": style.INK},
        )  # fmt: skip
        fig.update_xaxes(
            title_text="cells right of the agent", showgrid=False, constrain="domain", row=1, col=column
        )  # fmt: skip
        axis = f"x{column if column > 1 else ''}"
        fig.update_yaxes(showgrid=False, scaleanchor=axis, constrain="domain", row=1, col=column)
    fig.update_yaxes(title_text="cells above it", row=1, col=1)
    return fig
