"""Subjects compared in one figure."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mechinterp.experiments.comparison.summary import Summary
from mechinterp.features.changes import MOVEMENT_BY_SIDE
from mechinterp.policies.readouts import READOUTS
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import UNSEEN, dots
from mechinterp.stats import Estimate

_PANELS = (
    "Is it represented?<br>AUROC of the coin direction",
    "Does it attract?<br>effect on movement, nats",
    "How much is attributed to it?<br>share on its pixels",
    "Right, whatever is seen?<br>log P(right) \N{MINUS SIGN} log P(left), nats",
)


def figure(subjects: Sequence[Summary]) -> go.Figure:
    """One row a subject; four panels: the coin decoded, its effect, its share of the attribution, and going right."""
    fig = make_subplots(1, 4, shared_yaxes=True, subplot_titles=_PANELS, horizontal_spacing=0.035)
    style.dress(fig, "comparison", "Is the coin represented, and is it used?", height=250 + 58 * len(subjects))
    at = [float(len(subjects) - 1 - index) for index in range(len(subjects))]
    _nulls(fig, [s.decoding for s in subjects], at, column=1)
    _nulls(fig, [s.on_coin for s in subjects], at, column=3)
    dots(fig, [s.decoding for s in subjects], at, label="coin direction, last maps", colour=style.BLUE, row=1, col=1)
    dots(
        fig, [s.coin.effects[MOVEMENT_BY_SIDE] for s in subjects], at, label="effect of the coin", colour=style.AMBER,
        size=11, row=1, col=2,
    )  # fmt: skip
    _known(
        fig, [s.through_channels for s in subjects], [y - 0.2 for y in at], label="through its channels",
        colour=style.BLUE, size=8, symbol="diamond", column=2,
    )  # fmt: skip
    _known(
        fig, [s.through_direction for s in subjects], [y - 0.36 for y in at], label="through its direction",
        colour=style.SKY, size=8, symbol="diamond", column=2,
    )  # fmt: skip
    margin = READOUTS["movement"].margin or 0.0
    fig.add_vrect(-margin, margin, fillcolor=style.MARGIN_BAND, line_width=0, layer="below", row=1, col=2)  # pyright: ignore
    _known(fig, [s.on_coin for s in subjects], at, label="attribution", colour=style.PINK, percent=True, column=3)
    dots(fig, [s.tendency.mean for s in subjects], at, label="mean", colour=style.GREEN, symbol="square", row=1, col=4)
    dots(
        fig, [s.tendency.standard_deviation for s in subjects], [y - 0.25 for y in at], label="standard deviation",
        colour=style.GREY, symbol="square-open", size=8, row=1, col=4,
    )  # fmt: skip
    for column in (2, 3, 4):
        fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below", row=1, col=column)  # pyright: ignore
    labels = [
        f"<b>{style.literal(s.name)}</b><br><span style='color:{style.GREY}'>{style.literal(s.identity.network)}</span>"
        for s in subjects
    ]
    fig.update_yaxes(range=[-0.7, len(subjects) - 0.5], showgrid=False)
    fig.update_yaxes(tickmode="array", tickvals=at, ticktext=labels, col=1)
    fig.update_xaxes(tickformat=".0%", col=3)
    fig.update_annotations(font={"size": 12})
    fig.update_layout(margin={"t": 150})
    style.lift(fig, 44)
    return fig


def _known(
    fig: go.Figure, estimates: Sequence[Estimate | None], at: Sequence[float], *, column: int, **look: object
) -> None:
    """Dots of those subjects for which there is a number."""
    known = [(estimate, y) for estimate, y in zip(estimates, at, strict=True) if estimate is not None]
    if known:
        dots(fig, [e for e, _ in known], [y for _, y in known], row=1, col=column, **look)  # pyright: ignore


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
            x=xs, y=ys, mode="lines+markers", line={"width": 0}, marker=UNSEEN, fill="toself",
            fillcolor=style.NULL_BAND, hoverinfo="skip", name="untrained networks",
            legendgroup="null", showlegend=column == 1,
        ),
        row=1,
        col=column,
    )  # fmt: skip
