"""5. Where is the coin seen?"""

from __future__ import annotations

import plotly.graph_objects as go

from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, null_bands, rows, written
from mechinterp.reporting.wording import stands_out
from mechinterp.reports.figures import maps
from mechinterp.reports.schema import SHOWN
from mechinterp.reports.section import Section
from mechinterp.stats import Estimate

_SPREAD = 0.36
"""Half of the width over which a layer's channels are laid out, in layers."""


def figures(section: Section) -> list[go.Figure]:
    """All channels of all layers, the chosen ones by themselves and, where they were kept, example maps."""
    made = [_channels(section)]
    if len(section.table("top")):
        made.append(_top(section))
    if maps.drawable(section):
        made.append(maps.figure(section))
    return made


def top(section: Section) -> list[tuple[str, int]]:
    """(hook, channel) of the chosen channels, best first."""
    return [(str(row["hook"]), int(row["channel"])) for row in section.table("top").records()]


def _channels(section: Section) -> go.Figure:
    fig = style.figure("channels", "Which channels respond to the coin, at its place?", height=500)
    layers = section.table("layers").records()
    groups: dict[str, list[tuple[float, Estimate]]] = {"within": [], "beyond": [], "chosen": []}
    chosen = set(top(section))
    for x, layer in enumerate(layers):
        hook, channels = layer["hook"], layer["channels"]
        for channel in range(channels):
            estimate = section[f"channel/{hook}/{channel}"]
            place = x + _SPREAD * (2 * (channel + 0.5) / channels - 1)
            group = "chosen" if (hook, channel) in chosen else "beyond" if stands_out(estimate) else "within"
            groups[group].append((place, estimate))
        _band(fig, x, [section[f"channel/{hook}/{c}"] for c in range(channels)], legend=x == 0)
    looks = {
        "within": ("not clear of it", style.LIGHT, 5, "circle"),
        "beyond": ("wholly beyond it", style.BLUE, 6, "circle"),
        "chosen": ("chosen on other levels", style.AMBER, 11, "circle"),
    }
    for group, (label, colour, size, symbol) in looks.items():
        if groups[group]:
            own = groups[group]
            dots(
                fig, [e for _, e in own], [x for x, _ in own], label=label, colour=colour, symbol=symbol, size=size,
                upright=True, unit=str(section.facts["unit"]),
            )  # fmt: skip
    fig.add_hline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.update_xaxes(
        tickmode="array", tickvals=list(range(len(layers))), ticktext=[layer["hook"] for layer in layers],
        range=[-0.6, len(layers) - 0.4], showgrid=False, tickangle=-28 if len(layers) > 5 else 0,
    )  # fmt: skip
    fig.update_yaxes(title_text=f"contrast, present \N{MINUS SIGN} absent<br>({section.facts['unit']})")
    return fig


def _band(fig: go.Figure, x: int, estimates: list[Estimate], *, legend: bool) -> None:
    """The null's range behind the channels of one layer (of one channel each, should they differ)."""
    xs, ys = [], []
    for index, estimate in enumerate(estimates):
        if estimate.null is not None:
            left, right = (x + (_SPREAD + 0.06) * (2 * (index + side) / len(estimates) - 1) for side in (0, 1))
            xs += [left, left, right, right, left, None]
            ys += [
                estimate.null.low,
                estimate.null.high,
                estimate.null.high,
                estimate.null.low,
                estimate.null.low,
                None,
            ]
    if len({(e.null.low, e.null.high) for e in estimates if e.null}) == 1:  # one box, without seams between channels
        xs = [xs[0], xs[0], xs[-4], xs[-4], xs[0]]
        ys = ys[:5]
    fig.add_trace(
        go.Scatter(
            x=xs,
            y=ys,
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=style.NULL_BAND,
            hoverinfo="skip",
            name="range in untrained networks",
            legendgroup="null",
            showlegend=legend,
        )
    )


def _top(section: Section) -> go.Figure:
    chosen = top(section)[:SHOWN]
    estimates = [section[f"channel/{hook}/{channel}"] for hook, channel in chosen]
    fig = style.figure(
        "top-channels",
        "How strong are the chosen channels on levels that did not choose them?",
        height=160 + 64 * len(chosen),
    )
    at = rows(fig, [f"<b>{hook}</b>, channel {channel}" for hook, channel in chosen])
    null_bands(fig, estimates, at)
    unit = str(section.facts["unit"])
    dots(fig, estimates, at, label="policy", colour=style.AMBER, size=12, unit=unit)
    areas = [section.get(f"auroc/{hook}/{channel}") for hook, channel in chosen]
    extra = ["" if a is None else f"<br>AUROC {a.value:.2f} [{a.low:.2f}, {a.high:.2f}]" for a in areas]
    written(fig, estimates, at, extra=extra, signed=True)
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.update_xaxes(title_text=f"contrast, present \N{MINUS SIGN} absent ({unit})")
    return fig
