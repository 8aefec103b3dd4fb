"""Estimates as dots with intervals: the only way in which a claim gets into a figure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from mechinterp.reporting import wording
from mechinterp.reporting.errors import ResultsError
from mechinterp.reporting.plots.style import GREY, INK, NULL_BAND, literal, note
from mechinterp.stats import Estimate

UNSEEN = {"size": 16, "color": "rgba(0, 0, 0, 0)"}
"""Markers of a band: plotly leaves room around markers, so that no band touches the axis."""


def require(estimates: Sequence[Any]) -> None:
    """Refuse any number that is no Estimate. Raises ResultsError."""
    for estimate in estimates:
        if not isinstance(estimate, Estimate):
            raise ResultsError(
                f"figures draw Estimates (value, interval, n) alone, got {type(estimate).__name__} {estimate!r:.60}"
            )


def dots(
    fig: go.Figure,
    estimates: Sequence[Estimate],
    at: Sequence[float | str],
    *,
    label: str,
    colour: str,
    unit: str = "",
    percent: bool = False,
    symbol: str = "circle",
    size: float = 10,
    upright: bool = False,
    **place: Any,
) -> None:
    """Add a trace of dots with intervals, one at each place of `at` along the other axis.

    Args:
        label: in the legend.
        unit: of the values, for the texts that appear under the pointer.
        percent: whether the values are shares of 1, written as percentages.
        upright: whether values run up the figure; otherwise they run to the right.
        place: ``row`` and ``col`` of a subplot, ``showlegend``, ``legendgroup`` and other options of the trace.

    Raises:
        ResultsError: anything among `estimates` that is no Estimate.
    """
    require(estimates)
    values = [e.value for e in estimates]
    bars = {
        "type": "data",
        "symmetric": False,
        "array": [e.high - e.value for e in estimates],
        "arrayminus": [e.value - e.low for e in estimates],
        "color": colour,
        "thickness": 2 if size > 7 else 1,
        "width": 0,
    }
    subplot = {key: place.pop(key) for key in ("row", "col") if key in place}
    along, across = ("y", "x") if upright else ("x", "y")
    hollow = symbol.endswith("-open")
    line = {"width": 2 if hollow else int(size > 7), "color": colour if hollow else "white"}
    fig.add_trace(
        go.Scatter(
            {along: values, across: list(at), f"error_{along}": bars},
            mode="markers",
            name=literal(label),
            marker={"color": colour, "size": size, "symbol": symbol, "line": line},
            text=[hover(e, unit=unit, percent=percent) for e in estimates],
            hovertemplate=f"<b>{literal(label)}</b><br>%{{text}}<extra></extra>",
            **place,
        ),
        **subplot,
    )


def hover(estimate: Estimate, *, unit: str = "", percent: bool = False) -> str:
    """What appears under the pointer: name, value, interval, n and null."""
    lines = [
        literal(estimate.name),
        f"{wording.number(estimate, unit, percent=percent)} ({estimate.level:.0%} interval)",
        literal(wording.count(estimate)),
    ]
    if estimate.null is not None:
        low, high = (wording.plain(v, 3) for v in (estimate.null.low, estimate.null.high))
        p = "" if estimate.null.p is None else f", p = {estimate.null.p:.2g}"
        lines.append(f"null: {literal(estimate.null.description)}: {low} to {high}{p}")
    return "<br>".join(lines)


def null_bands(
    fig: go.Figure, estimates: Sequence[Estimate], at: Sequence[float], *, half: float = 0.3, label: str = "null"
) -> None:
    """A grey band behind each row: the range of its null. One trace, so that the legend can explain it."""
    require(estimates)
    xs: list[float | None] = []
    ys: list[float | None] = []
    for estimate, y in zip(estimates, at, strict=True):
        if estimate.null is not None:
            low, high = estimate.null.low, estimate.null.high
            xs += [low, high, high, low, low, None]
            ys += [y - half, y - half, y + half, y + half, y - half, None]
    if xs:
        fig.add_trace(
            go.Scatter(
                x=xs,
                y=ys,
                mode="lines+markers",
                line={"width": 0},
                marker=UNSEEN,
                fill="toself",
                fillcolor=NULL_BAND,
                name=label,
                hoverinfo="skip",
            )
        )


def written(
    fig: go.Figure,
    estimates: Sequence[Estimate],
    at: Sequence[float | str],
    *,
    extra: Sequence[str] = (),
    **format: Any,
) -> None:
    """The numbers themselves, in a column at the right of the figure."""
    require(estimates)
    texts = extra or [""] * len(estimates)
    longest = 0
    for estimate, y, more in zip(estimates, at, texts, strict=True):
        below = f"<span style='color:{GREY}'>{literal(wording.count(estimate))}{more}</span>"
        text = f"<b>{wording.number(estimate, **format)}</b><br>{below}"
        note(fig, text, x=1.0, y=y, xref="paper", xshift=14, font={"size": 12, "color": INK})
        longest = max(longest, *(len(re.sub(r"<[^>]*>", "", line)) for line in text.split("<br>")))
    fig.update_layout(margin_r=24 + 7 * longest)


def rows(fig: go.Figure, labels: Sequence[str]) -> list[float]:
    """Label the y axis with one row for each text, first on top; returns the rows' heights."""
    at = [float(len(labels) - 1 - index) for index in range(len(labels))]
    fig.update_yaxes(
        tickmode="array", tickvals=at, ticktext=list(labels), range=[-0.6, len(labels) - 0.4], showgrid=False
    )  # fmt: skip
    return at
