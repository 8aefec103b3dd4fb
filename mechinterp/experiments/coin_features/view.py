"""Show the coin in each layer."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mechinterp.experiments.coin_features import captions
from mechinterp.experiments.coin_features.counts import total
from mechinterp.experiments.coin_features.result import Ablation, Cloud, Result, TopFrames
from mechinterp.experiments.inputs.examples import Examples
from mechinterp.features.changes import KL, MOVEMENT_BY_SIDE, QUANTITIES
from mechinterp.policies.readouts import READOUTS
from mechinterp.reporting.figure import Figure, KeyNumber, Table, Text
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, null_bands, rows, written
from mechinterp.reporting.plots.maps import maps
from mechinterp.reporting.plots.pictures import bare_axes, image
from mechinterp.reporting.wording import interval, short

METHOD = (
    "The policy plays held-out levels. States that it visits get a coin on either side of the agent and, in the same "
    "place, nothing, a crate, a saw, an enemy, a square of the coin's mean colour, or a recoloured coin; the ground "
    "below becomes lava, or the end wall moves near. Each channel is read at the object's place (the mean of the 3 x 3 "
    "cells whose receptive fields centre nearest to it; hidden units are read whole).",
    "{result.choosing} levels were used to choose channels and directions; everything is reported on {result.held_out} "
    "others. A channel's selective contrast is the smallest of its correlations with the coin's presence against an "
    "empty place and each other object. Three things confirm a channel. The farthest channel of the policy exceeds the "
    "maximum over all channels of {result.untrained} untrained networks (each channel in units of its layer; FWER 5 %, "
    "Westfall & Young 1993), and the channel itself passes a false discovery rate of 5 %, on both sets of levels. It "
    "responds more to the coin than to a crate, a saw and an enemy, each with an interval that excludes 0.",
    "The coin direction of a layer is fitted by ridge regression; its null is the same in untrained networks, p is "
    "corrected for all layers by the maximum. What is replaced is the mean change over channels that the coin makes "
    "(Haufe et al. 2014).",
    "Causal use: in scenes with a coin, the coin channels (or the component along the direction) are replaced by their "
    "activations in the same scene without it. Effects are by side (coin right minus coin left), by presence (their "
    "mean), unsigned (the mean size of the change in a scene, which cannot cancel) and the KL divergence of the "
    "actions. Signed ones are tested against 0 by a studentised bootstrap over levels, corrected for all parts, layers "
    "and actions (Bonferroni). All are compared, over the same scenes, with those of other parts: channels with up to "
    "{result.random} random sets of as many other channels; a direction with the component of the same change along "
    "the mean-change direction of each other object, and with displacements of the same size in random directions. "
    "Only what lies within its margin by all of them, also each channel by itself, is called not used, and only where "
    "no later layer uses the coin. The levels that confirm channels also report their size: sizes of few channels are "
    "slightly too large (winner's curse).",
)
_ACROSS = 4
_COLOURS = (style.BLUE, style.SKY, style.GREY, style.GREEN, style.PINK)
_SYMBOLS = ("circle", "diamond", "square", "x", "cross")


def figures(result: Result) -> list[Figure]:
    """Decoding by layer, all channels, causal effects, maps and top frames."""
    made = [Figure(_decoding(result), captions.decoding(result))]
    clouds = {hook: layer.cloud for hook, layer in result.layers.items() if layer.cloud is not None}
    if clouds:
        made.append(Figure(_clouds(result, clouds), captions.clouds(result)))
    made.append(Figure(_ablation(result), captions.ablation(result)))
    if result.examples is not None:
        made.append(Figure(_maps(result.examples), captions.maps(result)))
    if result.top_frames:
        made.append(Figure(_top(result.top_frames), captions.TOP_FRAMES))
    return made


def text(result: Result) -> Text:
    """The headline, the coin channels, and the coin's effect."""
    effect, found = result.effects[MOVEMENT_BY_SIDE], total(result)
    ablated = captions.effects(result)
    columns = ("hook point", "ablated", *captions.TOLD, "shown for", "as large elsewhere")
    width = sum(layer.width for layer in result.layers.values())
    return Text(
        headlines=[captions.headline(result)],
        keys=[
            KeyNumber(
                "confirmed coin channels",
                f"{found.confirmed} of {width}",
                f"{found.exceed_maximum} exceed the maximum over {result.untrained} untrained networks",
            ),
            KeyNumber("effect of the coin's side on movement", short(effect, "nats", signed=True), interval(effect)),
        ],
        tables=[Table(ablated, columns)] if ablated else [],
    )


def _decoding(result: Result) -> go.Figure:
    estimates = [layer.decoding for layer in result.layers.values()]
    fig = style.figure(
        "coin-decoding", "How well is the coin decodable from each layer?", height=170 + 54 * len(estimates)
    )
    labels = []
    for hook, layer in result.layers.items():
        below = f"{len(layer.channels)} of {layer.width} channels confirmed: {layer.verdict.value}"
        labels.append(f"<b>{style.literal(hook)}</b><br><span style='color:{style.GREY}'>{below}</span>")
    at = rows(fig, labels)
    null_bands(fig, estimates, at)
    dots(fig, estimates, at, label="policy, held-out levels", colour=style.BLUE, size=11)
    written(fig, estimates, at)
    fig.add_vline(0.5, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.update_xaxes(title_text="AUROC of the coin direction at the coin's place (grey band: untrained networks)")
    return fig


def _clouds(result: Result, clouds: dict[str, Cloud]) -> go.Figure:
    hooks = list(clouds)
    titles = [style.literal(hook) for hook in hooks]
    count = -(-len(hooks) // _ACROSS)
    fig = make_subplots(
        rows=count,
        cols=min(_ACROSS, len(hooks)),
        subplot_titles=titles,
        vertical_spacing=0.22 / count,
    )
    style.dress(fig, "coin-clouds", "Which channels are selective for the coin?", height=170 + 240 * count)
    for index, (title, (hook, cloud)) in enumerate(zip(titles, clouds.items(), strict=True)):
        found = set(result.layers[hook].channels)
        chosen = sorted(found)
        rest = [c for c in range(len(cloud.policy)) if c not in found]
        for label, points, numbers, colour, size in (
            ("untrained networks", cloud.untrained, None, style.LIGHT, 4),
            ("policy", cloud.policy[rest], rest, style.BLUE, 5),
            ("confirmed coin channels", cloud.policy[chosen], chosen, style.AMBER, 9),
        ):
            hover = "%{x:.2f}, selective %{y:.2f}<extra></extra>"
            fig.add_trace(
                go.Scatter(
                    x=points[:, 0], y=points[:, 1], mode="markers", name=label, legendgroup=label,
                    showlegend=index == 0, marker={"color": colour, "size": size}, text=numbers,
                    hovertemplate=f"{title}{' channel %{text}' if numbers is not None else ''}<br>{hover}",
                ),
                row=index // _ACROSS + 1,
                col=index % _ACROSS + 1,
            )  # fmt: skip
    fig.update_xaxes(range=[-1.05, 1.05])
    fig.update_yaxes(range=[-1.05, 1.05])
    fig.update_annotations(font={"size": 12})
    fig.update_yaxes(title_text="selective contrast", col=1)
    for index in range(len(hooks)):
        if index + _ACROSS >= len(hooks):  # nothing stands under it
            fig.update_xaxes(title_text="contrast", title_standoff=4, row=index // _ACROSS + 1, col=index % _ACROSS + 1)
    fig.update_layout(margin={"t": 120})
    style.lift(fig, 24)
    return fig


def _ablation(result: Result) -> go.Figure:
    parts: list[tuple[str, Ablation]] = []
    for hook, layer in result.layers.items():
        if layer.channels_ablated is not None:
            parts.append(
                (f"<b>{style.literal(hook)}</b>, {captions.channels(len(layer.channels))}", layer.channels_ablated)
            )
        if layer.direction_ablated is not None:
            parts.append((f"<b>{style.literal(hook)}</b>, direction", layer.direction_ablated))
    fig = style.figure("coin-ablation", "Does it causally affect the action?", height=190 + 46 * (1 + len(parts)))
    at = rows(fig, ["<b>the coin itself</b>", *(label for label, _ in parts)])
    for index, name in enumerate(one for one in captions.TOLD if one != KL):
        unit, shifted = QUANTITIES[name].unit, [y - 0.14 * index for y in at]
        look = {"unit": unit, "symbol": _SYMBOLS[index], "size": 12 - 4 * min(index, 1)}
        dots(
            fig,
            [result.effects[name]],
            shifted[:1],
            label="total effect",
            showlegend=index == 0,
            colour=style.AMBER,
            **look,
        )
        if parts:
            effects = [part.effects[name] for _, part in parts]
            dots(fig, effects, shifted[1:], label=f"{name}, through the part", colour=_COLOURS[index], **look)
    movement = [part[MOVEMENT_BY_SIDE] for part in (result.effects, *(part.effects for _, part in parts))]
    written(fig, movement, at, unit="nats", signed=True)
    margin = READOUTS["movement"].margin or 0.0
    fig.add_vrect(-margin, margin, fillcolor=style.MARGIN_BAND, line_width=0, layer="below")
    fig.update_xaxes(
        title_text=f"change of the log-odds of moving right, and of jumping; nats (green: within {margin:g})"
    )
    return fig


def _maps(examples: Examples) -> go.Figure:
    return maps(
        "coin-maps",
        "Where do the channels respond?",
        frames=examples.frames,
        levels=examples.levels,
        boxes=examples.boxes,
        activations={(one.hook, one.channel): one.values for one in examples.maps},
    )


def _top(channels: Sequence[TopFrames]) -> go.Figure:
    fig = make_subplots(
        rows=len(channels), cols=max(len(one.frames) for one in channels), horizontal_spacing=0.01,
        vertical_spacing=0.02, row_titles=[f"{style.literal(one.hook)}<br>channel {one.channel}" for one in channels],
    )  # fmt: skip
    style.dress(fig, "coin-top-frames", "Which frames activate them most?", height=100 + 170 * len(channels))
    for row, one in enumerate(channels, 1):
        for column, frame in enumerate(one.frames, 1):
            fig.add_trace(image(frame), row=row, col=column)
    bare_axes(fig)
    fig.update_annotations(font={"size": 12, "color": style.GREY})
    fig.update_layout(margin={"l": 12, "r": 64, "t": 80, "b": 8}, showlegend=False)
    return fig
