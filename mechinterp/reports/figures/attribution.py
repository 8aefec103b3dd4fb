"""What decides? Attribution to pixels and to channels."""

from __future__ import annotations

import plotly.graph_objects as go

from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, null_bands, rows
from mechinterp.reports.section import Section

LOOKS = {
    "movement": (style.BLUE, "circle"),
    "jump": (style.GREEN, "diamond"),
    "value": (style.PINK, "square"),
}


def figures(section: Section) -> list[go.Figure]:
    """Shares of things beside their area, and of the channels that carry most."""
    made = [_pixels(section)] if section.under("share") else []
    return [*made, _channels(section)] if len(section.table("hidden")) else made


def _pixels(section: Section) -> go.Figure:
    things = list(dict.fromkeys(name.split("/")[1] for name in section.under("share")))
    readouts = list(dict.fromkeys(name.split("/")[0] for name in section.under("share")))
    fig = style.figure(
        "attribution-pixels", "On which things does the attribution fall?", height=190 + 52 * len(things)
    )
    at = dict(zip(things, rows(fig, things), strict=True))
    areas = [section[f"share/{readouts[0]}/{thing}/area"] for thing in things]
    dots(fig, areas, [*at.values()], label="area", colour=style.GREY, symbol="line-ns-open", percent=True, size=14)
    beside = [section[f"share/{readouts[0]}/{thing}/share"] for thing in things]
    null_bands(fig, beside, [*at.values()], half=0.34)
    for index, readout in enumerate(readouts):
        colour, symbol = LOOKS[readout]
        here = [thing for thing in things if f"share/{readout}/{thing}/share" in section]
        shares = [section[f"share/{readout}/{thing}/share"] for thing in here]
        heights = [at[thing] + 0.2 * (1 - index) for thing in here]
        dots(fig, shares, heights, label=readout, colour=colour, symbol=symbol, percent=True, size=9)
    fig.update_xaxes(title_text="share of the attribution, and of the frame (area)", tickformat=".0%")
    return fig


def _channels(section: Section) -> go.Figure:
    table = section.table("hidden").records()
    hooks = list(dict.fromkeys(row["hook"] for row in table))
    fig = style.figure("attribution-channels", "Which channels carry it?", height=190 + 74 * len(hooks))
    at = dict(zip(hooks, rows(fig, [f"<b>{hook}</b>" for hook in hooks]), strict=True))
    for index, (readout, (colour, symbol)) in enumerate(LOOKS.items()):
        own = [row for row in table if row["readout"] == readout]
        if not own:
            continue
        named = [(row["hook"], channel) for row in own for channel in row["channels"].split(", ")]
        estimates = [section[f"hidden/{readout}/{hook}/{channel}/share"] for hook, channel in named]
        heights = [at[hook] + 0.25 * (1 - index) for hook, _ in named]
        dots(fig, estimates, heights, label=readout, colour=colour, symbol=symbol, percent=True, size=8)
        for row in own:
            words = f"{section.facts['most']:.0%} in {row['needed']} channels; most: {row['channels']}"
            style.note(
                fig, words, x=1.0, y=at[row["hook"]] + 0.25 * (1 - index), xref="paper", xshift=14,
                font={"size": 11, "color": colour},
            )  # fmt: skip
    fig.update_layout(margin_r=290)
    fig.update_xaxes(title_text="share of the layer's attribution (integrated gradients)", tickformat=".0%")
    return fig
