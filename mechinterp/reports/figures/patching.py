"""6. Which of those channels carry it to the action?"""

from __future__ import annotations

import plotly.graph_objects as go

from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, rows, written
from mechinterp.reporting.wording import number
from mechinterp.reports import schema
from mechinterp.reports.section import Section

QUESTION = {
    "denoise": "Is it enough to put these channels in? (denoising)",
    "noise": "Is it gone when these channels are taken away? (noising)",
}
_AXIS = {
    "denoise": "effect restored in the {corrupted} frame by activations of the {clean} frame, nats",
    "noise": "effect lost in the {clean} frame by activations of the {corrupted} frame, nats",
}
_PARTS = {
    "top": ("chosen channels", style.BLUE, "circle", 12, 0.2),
    "random": ("as many random channels", style.GREY, "x-thin-open", 9, 0.0),
    "all": ("all channels", style.INK, "square-open", 9, -0.2),
}


def figures(section: Section) -> list[go.Figure]:
    """Effects of patching in each direction and, where they could be formed, the shares of the total."""
    made = [_effects(section, direction) for direction in schema.DIRECTIONS]
    if any(section.under(d, h).get("fraction") for d in schema.DIRECTIONS for h in _hooks(section)):
        made.append(_fractions(section))
    return made


def words(section: Section) -> dict[str, str]:
    """What the two sides of a pair are called."""
    return {side: str(section.facts.get(side, side)) for side in ("clean", "corrupted")}


def _hooks(section: Section) -> tuple[str, ...]:
    return section.table("sets").column("hook")


def _effects(section: Section, direction: str) -> go.Figure:
    hooks = _hooks(section)
    fig = style.figure(f"patching-{direction}", QUESTION[direction], height=190 + 74 * len(hooks))
    at = rows(fig, [_label(row) for row in section.table("sets").records()])
    total = section["total"]
    fig.add_vrect(total.low, total.high, fillcolor="rgba(230, 159, 0, 0.16)", line_width=0, layer="below")
    fig.add_vline(total.value, line={"color": style.AMBER, "width": 2})
    style.note(
        fig, "really changing the frame", x=total.value, y=1, yref="paper", yanchor="bottom", xanchor="center",
        font={"size": 11, "color": "#8A5F00"},
    )  # fmt: skip
    for part, (label, colour, symbol, size, shift) in _PARTS.items():
        pairs = [
            (e, y + shift) for h, y in zip(hooks, at, strict=True) if (e := section.get(f"{direction}/{h}/{part}"))
        ]
        if pairs:
            dots(
                fig, [e for e, _ in pairs], [y for _, y in pairs], label=label, colour=colour, symbol=symbol, size=size,
                unit="nats",
            )  # fmt: skip
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    differences = [section[f"{direction}/{hook}/difference"] for hook in hooks]
    written(fig, differences, at, unit="nats", signed=True)
    style.note(
        fig,
        "<b>chosen \N{MINUS SIGN} random</b>",
        x=1.0,
        y=1.0,
        xref="paper",
        yref="paper",
        yanchor="bottom",
        xshift=14,
    )
    fig.update_xaxes(title_text=_AXIS[direction].format(**words(section)))
    style.lift(fig, 22)
    return fig


def _fractions(section: Section) -> go.Figure:
    hooks = _hooks(section)
    fig = style.figure(
        "patching-fractions", "How much of the coin's effect do they carry?", height=160 + 60 * len(hooks)
    )
    at = rows(fig, [_label(row) for row in section.table("sets").records()])
    looks = {
        "denoise": ("restored (denoising)", style.BLUE, "circle"),
        "noise": ("lost (noising)", style.PINK, "diamond"),
    }
    for direction, (label, colour, symbol) in looks.items():
        shift = 0.14 if direction == "denoise" else -0.14
        pairs = [
            (e, y + shift) for h, y in zip(hooks, at, strict=True) if (e := section.get(f"{direction}/{h}/fraction"))
        ]
        if pairs:
            estimates = [e for e, _ in pairs]
            dots(
                fig, estimates, [y for _, y in pairs], label=label, colour=colour, symbol=symbol, size=11, percent=True
            )
            for e, y in pairs:
                text = number(e, percent=True)
                style.note(fig, text, x=1.0, y=y, xref="paper", xshift=14, font={"size": 12, "color": colour})
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.add_vline(1, line={"color": style.AMBER, "width": 2}, layer="below")
    fig.update_xaxes(title_text="share of the effect of really changing the frame", tickformat=".0%")
    fig.update_layout(margin={"r": 150})
    return fig


def _label(row: dict) -> str:
    return f"<b>{row['hook']}</b><br><span style='color:{style.GREY}'>{row['top']}</span>"
