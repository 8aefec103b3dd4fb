"""Is there a tendency to go right?"""

from __future__ import annotations

import plotly.graph_objects as go

from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, null_bands, rows, written
from mechinterp.reports.section import Section


def figures(section: Section) -> list[go.Figure]:
    """The log-odds taken apart, and the direction that was tried."""
    made = [_parts(section)]
    if len(section.table("layers")):
        made.append(_steer(section))
    return made


def _parts(section: Section) -> go.Figure:
    parts = section.under("tendency", "part")
    shown = [section["tendency/mean"], *parts.values(), section["tendency/spread"]]
    labels = ["<b>mean</b>", *(f"of it: {name}" for name in parts), "<b>standard deviation</b> over frames"]
    question = "How much of going right is there whatever it sees?"
    fig = style.figure("tendency-parts", question, height=170 + 50 * len(shown))
    at = rows(fig, labels)
    dots(fig, shown, at, label="policy", colour=style.BLUE, unit="nats", size=11)
    written(fig, shown, at, unit="nats", signed=True)
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.update_xaxes(title_text="log P(right) \N{MINUS SIGN} log P(left), nats")
    return fig


def _steer(section: Section) -> go.Figure:
    hooks = section.table("layers").column("hook")
    added = [section[f"steer/{hook}/added"] for hook in hooks]
    removed = [section[f"steer/{hook}/removed"] for hook in hooks]
    fig = style.figure("tendency-steer", "Is there a direction that means right?", height=180 + 60 * len(hooks))
    at = rows(fig, [f"<b>{hook}</b>" for hook in hooks])
    null_bands(fig, added, at)
    dots(fig, added, at, label="added", colour=style.BLUE, unit="nats", size=11)
    dots(fig, removed, at, label="taken away", colour=style.RED, unit="nats", size=11, symbol="diamond")
    written(fig, added, at, unit="nats", signed=True)
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.update_xaxes(title_text="change of log P(right) \N{MINUS SIGN} log P(left), nats, on held-out levels")
    return fig
