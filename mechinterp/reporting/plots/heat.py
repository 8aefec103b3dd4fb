"""A table of numbers, each cell in a colour for its size."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from mechinterp.reporting.plots import style

SCALE = [[0.0, "rgb(213,94,0)"], [0.5, "rgb(255,255,255)"], [1.0, "rgb(0,114,178)"]]
"""Red below 0, white, blue above."""


def heat(
    fig: go.Figure,
    values: Sequence[Sequence[float | None]],
    texts: Sequence[Sequence[str]],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    hovers: Sequence[Sequence[str]],
    bold: Sequence[Sequence[bool]],
    full: float | None = None,
) -> None:
    """Blue above 0, red below, the first row on top; None leaves a cell empty.

    Args:
        texts: what stands in each cell; `hovers`: what appears under the pointer; `bold`: which stand out.
        full: the value of the full colour; by default the largest.
    """
    sizes = [abs(v) for row in values for v in row if v is not None]
    rows, columns = [style.literal(name) for name in rows], [style.literal(name) for name in columns]
    full = max([*sizes, 1e-9]) if full is None else full
    fig.add_trace(
        go.Heatmap(
            z=[list(row) for row in values], x=list(columns), y=list(rows), zmin=-full, zmax=full, colorscale=SCALE,
            showscale=False, xgap=2, ygap=2, customdata=[list(row) for row in hovers], hoverongaps=False,
            hovertemplate="%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    for row, label in enumerate(rows):
        for column, name in enumerate(columns):
            text, value = texts[row][column], values[row][column]
            if text and value is not None:
                dark = abs(value) > 0.6 * full
                style.note(
                    fig, f"<b>{text}</b>" if bold[row][column] else text, x=name, y=label, xanchor="center",
                    font={"size": 11, "color": "white" if dark else style.INK if bold[row][column] else style.GREY},
                )  # fmt: skip
    fig.update_yaxes(autorange="reversed", showgrid=False, type="category")
    fig.update_xaxes(side="top", showgrid=False, ticks="", type="category")
    fig.update_layout(margin_b=16)
