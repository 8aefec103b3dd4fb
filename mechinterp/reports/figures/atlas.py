"""Where is the coin? The figures of an atlas."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mechinterp.features.uses import MARGIN
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, hover, null_bands, rows, written
from mechinterp.reporting.plots.heat import heat
from mechinterp.reporting.plots.pictures import bare_axes, image
from mechinterp.reporting.wording import short
from mechinterp.reports.figures import maps
from mechinterp.reports.judged import verdicts
from mechinterp.reports.section import Section

_ACROSS = 4
_SCORES = {"class": "balanced accuracy", "number": "share of variance", "place": "share of right guesses"}


def figures(section: Section) -> list[go.Figure]:
    """Verdicts by layer, clouds of channels, what taking back changes, probes, maps and top frames."""
    made = [_decode(section), _cloud(section), _use(section)]
    if "probes" in section.tables:
        made += [_probes(section), _probes_by_layer(section)]
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
    by_hook = verdicts(section)
    for layer in layers:
        count, verdict = layer["coin_channels"], by_hook[layer["hook"]]
        below = f"{count or 'no'} coin channel{'s' if count != 1 else ''} of {layer['channels']}: {verdict}"
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
    style.dress(fig, "atlas-cloud", "Do channels tell the coin from other things?", height=170 + 240 * count)
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
    for index in range(len(hooks)):
        if index + _ACROSS >= len(hooks):  # nothing stands under it
            fig.update_xaxes(title_text="contrast", title_standoff=4, row=index // _ACROSS + 1, col=index % _ACROSS + 1)
    fig.update_layout(margin={"t": 120})
    style.lift(fig, 24)
    return fig


def _use(section: Section) -> go.Figure:
    kept, labels = [("total", "")], ["<b>the coin itself</b>"]
    for layer in section.table("layers").records():
        for part, count in (("channels", layer["coin_channels"]), ("direction", 1)):
            if f"use/{layer['hook']}/{part}/movement" in section:
                kept.append((layer["hook"], part))
                what = "direction" if part == "direction" else f"{count} channel{'s' if count != 1 else ''}"
                labels.append(f"<b>{layer['hook']}</b>, {what}")
    fig = style.figure("atlas-use", "Does any action hang on it?", height=190 + 46 * len(kept))
    at = rows(fig, labels)
    movement, jump = ([section[_path(*one, readout)] for one in kept] for readout in ("movement", "jump"))
    below = [y - 0.22 for y in at]
    dots(fig, movement[:1], at[:1], label="movement: coin put there", colour=style.AMBER, unit="nats", size=12)
    dots(fig, movement[1:], at[1:], label="movement: taken back", colour=style.BLUE, unit="nats", size=10)
    dots(
        fig,
        jump[:1],
        below[:1],
        label="jump: coin put there",
        colour=style.AMBER,
        unit="nats",
        symbol="diamond",
        size=8,
    )
    dots(fig, jump[1:], below[1:], label="jump: taken back", colour=style.GREEN, unit="nats", symbol="diamond", size=7)
    written(fig, movement, at, unit="nats", signed=True)
    fig.add_vrect(-MARGIN, MARGIN, fillcolor=style.MARGIN_BAND, line_width=0, layer="below")
    fig.update_xaxes(
        title_text="movement log-odds toward the coin's side, jump log-odds; nats (green: would not matter)"
    )
    return fig


def _path(hook: str, part: str, readout: str) -> str:
    return f"use/{hook}/{part}/{readout}" if part else f"total/{readout}"


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
        kind = _SCORES[row["kind"]]
        below = f"best at {row['hook']}; {kind} above {row['best_baseline']}"
        labels.append(f"<b>{row['label']}</b><br><span style='color:{style.GREY}'>{below}</span>")
    at = rows(fig, labels)
    dots(fig, [e for _, e in chosen], at, label="above the best baseline", colour=style.BLUE)
    written(fig, [e for _, e in chosen], at, signed=True)
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.update_xaxes(title_text="score minus the best baseline's (the layer is the best of those tried)")
    return fig


def _probes_by_layer(section: Section) -> go.Figure:
    table = section.table("probes").records()
    labels = list(dict.fromkeys(row["label"] for row in table))
    hooks = [hook for hook in section.table("layers").column("hook") if any(row["hook"] == hook for row in table)]
    cells = [[section.get(f"probe/{label}/{hook}/above") for hook in hooks] for label in labels]
    fig = style.figure("atlas-probe-layers", "At which layers?", height=190 + 32 * len(labels))
    texts = [["" if e is None else short(e, signed=True) for e in row] for row in cells]
    bold = [[e is not None and e.excludes(0) for e in row] for row in cells]
    values = [[None if e is None else e.value for e in row] for row in cells]
    hovers = [["" if e is None else hover(e) for e in row] for row in cells]
    heat(fig, values, texts, rows=labels, columns=list(hooks), hovers=hovers, bold=bold)
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
