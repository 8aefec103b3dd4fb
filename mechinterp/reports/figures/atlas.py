"""Where is the coin? The figures of an atlas."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mechinterp.reports.figures import maps, style
from mechinterp.reports.figures.dots import dots, null_bands, rows, written
from mechinterp.reports.figures.pictures import bare_axes, image
from mechinterp.reports.section import Section

_ACROSS = 4


def figures(section: Section) -> list[go.Figure]:
    """Verdicts by layer, clouds of channels, what taking back changes, probes, attribution, maps and top frames."""
    made = [_decode(section), _cloud(section), _use(section)]
    if "probes" in section.tables:
        made.append(_probes(section))
    if section.under("share"):
        made.append(_shares(section))
    if "top" in section.tables:
        if maps.drawable(section):
            made.append(maps.figure(section))
        made.append(_top(section))
    return made


def _decode(section: Section) -> go.Figure:
    layers = section.table("layers").records()
    estimates = [section[f"decode/{layer['hook']}"] for layer in layers]
    fig = style.figure("atlas-decode", "How well does each layer tell the coin?", height=170 + 54 * len(layers))
    labels = []
    for layer in layers:
        count = layer["coin_channels"]
        below = f"{count or 'no'} coin channel{'s' if count != 1 else ''} of {layer['channels']}: {layer['verdict']}"
        labels.append(f"<b>{layer['hook']}</b><br><span style='color:{style.GREY}'>{below}</span>")
    at = rows(fig, labels)
    null_bands(fig, estimates, at)
    dots(fig, estimates, at, label="policy, held-out levels", colour=style.BLUE, size=11)
    written(fig, estimates, at)
    fig.add_vline(0.5, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.update_xaxes(title_text="AUROC of one direction at the coin's place (grey: untrained networks)")
    return fig


def _cloud(section: Section) -> go.Figure:
    hooks = section.table("layers").column("hook")
    count = -(-len(hooks) // _ACROSS)
    fig = make_subplots(rows=count, cols=min(_ACROSS, len(hooks)), subplot_titles=hooks, vertical_spacing=0.22 / count)
    style.dress(fig, "atlas-cloud", "Are there channels for the coin alone?", height=150 + 230 * count)
    rows_found = section.table("found").records() if "found" in section.tables else []
    found = {(row["hook"], row["channel"]) for row in rows_found}
    for index, hook in enumerate(hooks):
        null, own = section.arrays[f"null/{hook}"], section.arrays[f"cloud/{hook}"]
        chosen = [c for c in range(len(own)) if (hook, c) in found]
        rest = [c for c in range(len(own)) if (hook, c) not in found]
        for label, points, numbers, colour, size in (
            ("untrained networks", null, None, style.LIGHT, 4),
            ("policy", own[rest], rest, style.BLUE, 5),
            ("confirmed coin channels", own[chosen], chosen, style.AMBER, 9),
        ):
            fig.add_trace(
                go.Scatter(
                    x=points[:, 0], y=points[:, 1], mode="markers", name=label, legendgroup=label,
                    showlegend=index == 0, marker={"color": colour, "size": size}, text=numbers,
                    hovertemplate=f"{hook} channel %{{text}}<br>%{{x:.2f}}, selective %{{y:.2f}}<extra></extra>",
                ),
                row=index // _ACROSS + 1,
                col=index % _ACROSS + 1,
            )  # fmt: skip
    fig.update_xaxes(range=[-1.05, 1.05])
    fig.update_yaxes(range=[-1.05, 1.05])
    fig.update_annotations(font={"size": 12})
    fig.update_yaxes(title_text="selective", col=1)
    fig.update_layout(margin={"t": 120})
    style.lift(fig, 24)
    return fig


def _use(section: Section) -> go.Figure:
    hooks = section.table("layers").column("hook")
    shown, labels = [section["total/movement"]], ["<b>the coin itself</b>"]
    for hook in hooks:
        for part in ("channels", "direction"):
            estimate = section.get(f"use/{hook}/{part}/movement")
            if estimate is not None:
                shown.append(estimate)
                labels.append(f"<b>{hook}</b>, {part}")
    fig = style.figure("atlas-use", "Does the way to the coin hang on it?", height=170 + 46 * len(shown))
    at = rows(fig, labels)
    dots(fig, shown[:1], at[:1], label="coin put there", colour=style.AMBER, unit="nats", size=12)
    dots(fig, shown[1:], at[1:], label="taken back in this layer", colour=style.BLUE, unit="nats", size=10)
    written(fig, shown, at, unit="nats", signed=True)
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.update_xaxes(title_text="movement log-odds toward the coin's side, nats")
    return fig


def _probes(section: Section) -> go.Figure:
    table = section.table("probes").records()
    best = {}
    for row in table:
        estimate = section[f"probe/{row['label']}/{row['hook']}/above"]
        if row["label"] not in best or estimate.value > best[row["label"]][1].value:
            best[row["label"]] = (row, estimate)
    chosen = list(best.values())
    fig = style.figure("atlas-probes", "What can be read out, above every baseline?", height=170 + 54 * len(chosen))
    labels = []
    for row, _ in chosen:
        kind = "balanced accuracy" if row["kind"] == "class" else "share of variance"
        below = f"best at {row['hook']}; {kind} above {row['best_baseline']}"
        labels.append(f"<b>{row['label']}</b><br><span style='color:{style.GREY}'>{below}</span>")
    at = rows(fig, labels)
    dots(fig, [e for _, e in chosen], at, label="above the best baseline", colour=style.BLUE)
    written(fig, [e for _, e in chosen], at, signed=True)
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.update_xaxes(title_text="score minus the best baseline's (the layer is the best of those tried)")
    return fig


def _shares(section: Section) -> go.Figure:
    things = list(dict.fromkeys(name.split("/")[1] for name in section.under("share")))
    fig = style.figure("atlas-shares", "Where does the attribution fall?", height=180 + 44 * len(things))
    at = rows(fig, things)
    for what, colour, symbol in (("area", style.GREY, "square"), ("share", style.BLUE, "circle")):
        estimates = [section[f"share/movement/{thing}/{what}"] for thing in things]
        dots(fig, estimates, at, label=what, colour=colour, symbol=symbol, percent=True)
    fig.update_xaxes(title_text="share of the attribution, and of the frame", tickformat=".0%")
    return fig


def _top(section: Section) -> go.Figure:
    channels = [
        (row["hook"], row["channel"])
        for row in section.table("top").records()
        if f"top/{row['hook']}/{row['channel']}" in section.arrays
    ]
    frames = [section.arrays[f"top/{hook}/{channel}"] for hook, channel in channels]
    fig = make_subplots(
        rows=len(channels), cols=max(map(len, frames)), horizontal_spacing=0.01, vertical_spacing=0.02,
        row_titles=[f"{hook}<br>channel {channel}" for hook, channel in channels],
    )  # fmt: skip
    style.dress(fig, "atlas-top", "What makes them fire most?", height=100 + 170 * len(channels))
    for row, pictures in enumerate(frames, 1):
        for column, frame in enumerate(pictures, 1):
            fig.add_trace(image(frame), row=row, col=column)
    bare_axes(fig)
    fig.update_annotations(font={"size": 12, "color": style.GREY})
    fig.update_layout(margin={"l": 12, "r": 64, "t": 80, "b": 8}, showlegend=False)
    return fig
