"""Subjects side by side."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mechinterp.features.uses import MARGIN
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots
from mechinterp.reports.comparison import Compared
from mechinterp.stats import Estimate

_PANELS = (
    "Is it there?<br>AUROC of its direction",
    "Does it pull?<br>nats toward the coin",
    "Does it decide?<br>attribution on its pixels",
    "Right, whatever is seen?<br>log P(right) \N{MINUS SIGN} log P(left), nats",
)


def figure(subjects: Sequence[Compared]) -> go.Figure:
    """One row a subject; four panels: the coin decoded, its pull, its share of the attribution, and going right."""
    fig = make_subplots(1, 4, shared_yaxes=True, subplot_titles=_PANELS, horizontal_spacing=0.035)
    style.dress(fig, "comparison", "Is the coin in there, and is it used?", height=250 + 58 * len(subjects))
    at = [float(len(subjects) - 1 - index) for index in range(len(subjects))]
    _nulls(fig, [s.decode for s in subjects], at, column=1)
    _nulls(fig, [s.on_coin for s in subjects], at, column=3)
    dots(fig, [s.decode for s in subjects], at, label="direction at the last maps", colour=style.BLUE, row=1, col=1)
    dots(fig, [s.pull for s in subjects], at, label="the coin's pull", colour=style.AMBER, size=11, row=1, col=2)
    for part, colour, shift in (("channels", style.BLUE, 0.2), ("direction", style.SKY, 0.36)):
        own = [(s.lost[part], y - shift) for s, y in zip(subjects, at, strict=True) if part in s.lost]
        if own:
            dots(
                fig, [e for e, _ in own], [y for _, y in own], label=f"lost with the coin {part}", colour=colour,
                size=8, symbol="diamond", row=1, col=2,
            )  # fmt: skip
    fig.add_vrect(-MARGIN, MARGIN, fillcolor=style.MARGIN_BAND, line_width=0, layer="below", row=1, col=2)  # pyright: ignore
    known = [(s.on_coin, y) for s, y in zip(subjects, at, strict=True) if s.on_coin is not None]
    if known:
        dots(
            fig, [e for e, _ in known], [y for _, y in known], label="on the coin's pixels", colour=style.PINK,
            percent=True, row=1, col=3,
        )  # fmt: skip
    dots(fig, [s.mean for s in subjects], at, label="mean", colour=style.GREEN, symbol="square", row=1, col=4)
    dots(
        fig, [s.spread for s in subjects], [y - 0.25 for y in at], label="standard deviation", colour=style.GREY,
        symbol="square-open", size=8, row=1, col=4,
    )  # fmt: skip
    for column in (2, 3, 4):
        fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below", row=1, col=column)  # pyright: ignore
    labels = [f"<b>{s.name}</b><br><span style='color:{style.GREY}'>{s.network}</span>" for s in subjects]
    fig.update_yaxes(range=[-0.7, len(subjects) - 0.5], showgrid=False)
    fig.update_yaxes(tickmode="array", tickvals=at, ticktext=labels, col=1)
    fig.update_xaxes(tickformat=".0%", col=3)
    fig.update_annotations(font={"size": 12})
    fig.update_layout(margin={"t": 150})
    style.lift(fig, 44)
    return fig


def _nulls(fig: go.Figure, estimates: Sequence[Estimate | None], at: Sequence[float], *, column: int) -> None:
    """A grey band behind each row of a panel: the range in untrained networks."""
    xs, ys = [], []
    for estimate, y in zip(estimates, at, strict=True):
        null = None if estimate is None else estimate.null
        if null is not None:
            xs += [null.low, null.high, null.high, null.low, null.low, None]
            ys += [y - 0.3, y - 0.3, y + 0.3, y + 0.3, y - 0.3, None]
    fig.add_trace(
        go.Scatter(
            x=xs, y=ys, mode="lines", line={"width": 0}, fill="toself", fillcolor=style.NULL_BAND, hoverinfo="skip",
            name="untrained networks", legendgroup="null", showlegend=column == 1,
        ),
        row=1,
        col=column,
    )  # fmt: skip
