"""3. What does it do when the coin is elsewhere?"""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, hover, require, rows
from mechinterp.reports import schema
from mechinterp.reports.section import Section

LABEL = {
    "stock": "where it always was", "random": "at a random place", "absent": "not there",
    "decoy": "only a picture of one", "left of agent": "left of the start",
}  # fmt: skip


def figures(section: Section) -> list[go.Figure]:
    """How episodes end for each placement of the coin: shares, and their intervals."""
    placements = [p for p in schema.PLACEMENTS if section.under("outcome", p)]
    fig = make_subplots(
        rows=1, cols=2, shared_yaxes=True, column_widths=[0.56, 0.44], horizontal_spacing=0.04,
        subplot_titles=("all outcomes", "with their 95 % intervals"),
    )  # fmt: skip
    style.dress(fig, "outcomes", "Where does it go when the coin is elsewhere?", height=190 + 66 * len(placements))
    labels = []
    for placement in placements:
        n = next(iter(section.under("outcome", placement).values())).n
        labels.append(f"<b>{LABEL[placement]}</b><br><span style='color:{style.GREY}'>n = {n}</span>")
    at = rows(fig, labels)
    for index, outcome in enumerate(schema.OUTCOMES):
        pairs = [(y, e) for y, p in zip(at, placements, strict=True) if (e := section.get(f"outcome/{p}/{outcome}"))]
        if pairs:
            _bars(fig, outcome, pairs)
            shift = 0.24 - 0.16 * index
            dots(
                fig, [e for _, e in pairs], [y + shift for y, _ in pairs], label=style.OUTCOME_LABEL[outcome],
                colour=style.OUTCOME[outcome], percent=True, size=9, showlegend=False, legendgroup=outcome,
                row=1, col=2,
            )  # fmt: skip
    _references(fig, section, placements, at)
    fig.update_xaxes(title_text="share of levels", tickformat=".0%", range=[-0.02, 1.02])
    fig.update_yaxes(title_text="the coin is ...", row=1, col=1)
    fig.update_layout(barmode="stack", bargap=0.3, margin={"t": 126})
    style.lift(fig, 26)
    fig.update_annotations(font={"size": 13, "color": style.GREY})
    return [fig]


def _bars(fig: go.Figure, outcome: str, pairs: list) -> None:
    estimates = [e for _, e in pairs]
    require(estimates)
    fig.add_trace(
        go.Bar(
            x=[e.value for e in estimates],
            y=[y for y, _ in pairs],
            orientation="h",
            name=style.OUTCOME_LABEL[outcome],
            legendgroup=outcome,
            marker={"color": style.OUTCOME[outcome], "line": {"color": "white", "width": 1}},
            text=[f"{e.value:.0%}" if e.value >= 0.06 else "" for e in estimates],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            textfont={"color": "white" if outcome == "died" else style.INK, "size": 13},
            customdata=[hover(e, percent=True) for e in estimates],
            hovertemplate="%{customdata}<extra></extra>",
        ),
        row=1,
        col=1,
    )


def _references(fig: go.Figure, section: Section, placements: list[str], at: list[float]) -> None:
    """How often an actor that sees nothing takes the coin."""
    for actor in schema.ACTORS:
        pairs = [
            (y, e) for y, p in zip(at, placements, strict=True) if (e := section.get(f"reference/{actor}/{p}/coin"))
        ]  # fmt: skip
        if pairs:
            dots(
                fig, [e for _, e in pairs], [y + 0.36 for y, _ in pairs], label=f"{actor}: took the coin",
                colour=style.ACTOR[actor], symbol=f"{style.ACTOR_SYMBOL[actor].split('-')[0]}-open", percent=True,
                size=8, row=1, col=2,
            )  # fmt: skip
