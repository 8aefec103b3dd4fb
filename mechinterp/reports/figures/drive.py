"""4. How much does the coin move its actions?"""

from __future__ import annotations

import plotly.graph_objects as go

from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, null_bands, rows, written
from mechinterp.reports import schema
from mechinterp.reports.section import Section

QUESTION = {
    "movement": "Does the coin make it go right rather than left?",
    "jump": "Does the coin make it jump?",
    "value": "Does the coin change what it expects to earn?",
}
AXIS = {
    "movement": "change of log P(right) \N{MINUS SIGN} log P(left), nats   (positive: toward the right)",
    "jump": "change of log P(jump) \N{MINUS SIGN} log P(no jump), nats   (positive: toward jumping)",
    "value": "change of the value estimate, in the critic's own units",
}
UNIT = {"movement": "nats", "jump": "nats", "value": ""}
_ROLE = {
    "coin": ("the coin", style.BLUE, "circle"),
    "ceiling": ("for scale: other changes", style.INK, "square"),
    "control": ("control", style.PINK, "diamond"),
}


def figures(section: Section) -> list[go.Figure]:
    """A forest plot for each readout that was measured."""
    return [_forest(section, r) for r in schema.READOUTS if variables(section, r)]


def variables(section: Section, readout: str) -> list[dict]:
    """The rows of table `variables` for which this readout was measured."""
    return [row for row in section.table("variables").records() if f"effect/{row['variable']}/{readout}" in section]


def _forest(section: Section, readout: str) -> go.Figure:
    found = variables(section, readout)
    effects = [section[f"effect/{row['variable']}/{readout}"] for row in found]
    fig = style.figure(f"drive-{readout}", QUESTION[readout], height=190 + 56 * len(found))
    at = rows(fig, [_label(row) for row in found])
    null_bands(fig, effects, at, half=0.26)
    for role, (label, colour, symbol) in _ROLE.items():
        own = [(e, y) for e, y, row in zip(effects, at, found, strict=True) if row["role"] == role]
        if own:
            dots(
                fig, [e for e, _ in own], [y for _, y in own], label=label, colour=colour, symbol=symbol, size=12,
                unit=UNIT[readout],
            )  # fmt: skip
    untrained = [(section.get(f"untrained/{row['variable']}/{readout}"), y) for row, y in zip(found, at, strict=True)]
    known = [(e, y - 0.22) for e, y in untrained if e is not None]
    if known:
        dots(
            fig, [e for e, _ in known], [y for _, y in known], label="random weights", colour=style.GREY,
            symbol="x-thin-open", size=7, unit=UNIT[readout],
        )  # fmt: skip
    margin = section.facts.get(f"margin_{readout}")
    if margin is not None:
        fig.add_vrect(-margin, margin, fillcolor=style.MARGIN_BAND, line_width=0, layer="below")  # pyright: ignore
        text = "too small to matter"
        style.note(
            fig,
            text,
            x=0,
            y=1,
            yref="paper",
            yanchor="bottom",
            xanchor="center",
            font={"size": 11, "color": "#00694D"},
        )
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    written(fig, effects, at, unit=UNIT[readout], signed=True)
    fig.update_xaxes(title_text=AXIS[readout])
    style.lift(fig, 22)
    return fig


def _label(row: dict) -> str:
    against = f"{row['clean']} \N{MINUS SIGN} {row['corrupted']}"
    return f"<b>{row['variable']}</b><br><span style='color:{style.GREY}'>{against}</span>"
