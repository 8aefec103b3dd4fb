"""Show the model: a table, its layers, frames and the course of one episode."""

from __future__ import annotations

import math

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mechinterp.experiments.model.result import Episode, HeldOutLevels, Layer, Result
from mechinterp.reporting.figure import Figure, Table, Text
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.pictures import bare_axes, image
from mechinterp.reporting.wording import number

METHOD = (
    "The policy plays one episode with sampled actions, on the first held-out level. P(right) is the probability of "
    "all actions that move right, P(jump) of all that jump. The value is the critic's estimate of the discounted "
    "return, in the units that it was trained in.",
)
OUTCOMES = {
    "coin": "it took the coin", "saw": "a saw killed it", "enemy": "an enemy killed it", "lava": "it fell into lava",
    "several": "two hazards killed it in one step", "timeout": "time ran out",
}  # fmt: skip
_PER_ROW = 4
_SLANTED = 20
"""So many names of layers fit at a slant; more stand upright."""


def figures(result: Result) -> list[Figure]:
    """The network's layers, frames of it playing, and the course of that episode."""
    return [_network(result.layers), _film(result.episode), _course(result.episode)]


def text(result: Result) -> Text:
    """The card, as a table."""
    rows = [("parameters", f"{result.parameters:,}")]
    if result.training is not None:
        one = result.training
        rows += [
            ("model organism", f"{one.organism}, seed {one.seed}"),
            ("training levels", f"placement {one.placement}; goal {one.goal}"),
            ("training", f"{one.steps:,} steps"),
        ]
    if result.source is not None:
        rows.append(("source", f"{result.source.file}, layout {result.source.layout}; its training is not recorded"))
    looks = ", ".join(result.looks) or "plain looks, no backgrounds"
    rows.append(("game", f"{result.difficulty} levels; {looks}"))
    if result.held_out is not None:
        rows.append(("held-out levels", held_out(result.held_out)))
    return Text(tables=[Table(rows)])


def held_out(levels: HeldOutLevels) -> str:
    """Which levels were left out, or what is not known of them."""
    if levels.seen is not None:
        record = "saw" if levels.exact else "saw, or may have seen (its record has a margin)"
        told = f"left out: {number(levels.seen, percent=True)} of held-out seeds make a level that training {record}"
    elif levels.alike is not None:
        told = (
            f"what training saw is not recorded; {number(levels.alike, percent=True)} of these levels occur among "
            f"{levels.others:,} other seeds, so some were probably seen"
        )
    else:
        told = "what training saw is not recorded"
    return f"{levels.levels}, no two of them the same; {told}"


def _film(episode: Episode) -> Figure:
    columns = min(_PER_ROW, len(episode.frames))
    count = math.ceil(len(episode.frames) / columns)
    titles = [
        f"<b>step {step}</b>: {episode.actions[step]}<br>P(right) {episode.p_right[step]:.2f}, "
        f"value {episode.value[step]:.1f}"
        for step in episode.shown
    ]
    fig = make_subplots(
        rows=count, cols=columns, subplot_titles=titles, horizontal_spacing=0.02, vertical_spacing=0.14 / count
    )
    style.dress(fig, "film", "How does it play?", height=92 + 278 * count)
    for index, frame in enumerate(episode.frames):
        fig.add_trace(image(frame), row=index // columns + 1, col=index % columns + 1)
    bare_axes(fig)
    fig.update_annotations(font={"size": 12, "color": style.INK})
    fig.update_layout(margin={"l": 12, "r": 12, "t": 96, "b": 8}, showlegend=False)
    end = OUTCOMES.get(episode.outcome, episode.outcome)
    return Figure(
        fig,
        f"{len(episode.shown)} frames of one episode (level {episode.level}): {end}. One level is an illustration, not "
        "evidence.",
    )


def _course(episode: Episode) -> Figure:
    fig = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08, row_heights=[0.5, 0.5])
    style.dress(fig, "episode", "How confident is it along the way, and what return does it expect?", height=360)
    lines = (
        (episode.p_right, "P(right)", style.BLUE, "solid", 1),
        (episode.p_jump, "P(jump)", style.PINK, "dash", 1),
        (episode.value, "value estimate", style.INK, "solid", 2),
    )
    for values, label, colour, dash, row in lines:
        fig.add_trace(
            go.Scatter(
                x=list(range(len(values))), y=values, name=label, mode="lines",
                line={"color": colour, "dash": dash, "width": 2},
                hovertemplate=f"step %{{x}}<br>{label} %{{y:.2f}}<extra></extra>",
            ),
            row=row, col=1,
        )  # fmt: skip
    for step in episode.shown:
        fig.add_vline(step, line={"color": style.LIGHT, "width": 1, "dash": "dot"}, layer="below")
    fig.update_yaxes(title_text="probability", range=[0, 1], row=1, col=1)
    fig.update_yaxes(title_text="value", row=2, col=1)
    fig.update_xaxes(title_text="step of the episode (dotted: the frames above)", row=2, col=1)
    low, high = (f"{limit:.2f}" for limit in (episode.p_right.min(), episode.p_right.max()))
    least, most = (f"{limit:.1f}" for limit in (episode.value.min(), episode.value.max()))
    return Figure(
        fig,
        f"In this episode, P(right) ranges from {low} to {high} and the value estimate from {least} to {most} (the "
        "critic's own units).",
    )


def _network(layers: tuple[Layer, ...]) -> Figure:
    """Each layer a box: as high as its map is wide, as broad as it has channels (square roots of both)."""
    many = len(layers) > _SLANTED
    fig = style.figure("network", "What is it made of?", height=400 if many else 330)
    blocks = list(dict.fromkeys(_block(layer.hook) for layer in layers))
    tones = (style.BLUE, style.SKY, style.GREEN, style.AMBER)
    widths = [0.5 + math.sqrt(layer.channels) / 8 for layer in layers]
    lefts = [sum(widths[:i]) + 0.35 * i for i in range(len(layers))]
    end, free, shown = lefts[-1] + widths[-1], 0.0, None
    for layer, x, width in zip(layers, lefts, widths, strict=True):
        height = math.sqrt(layer.side)
        colour = style.LIGHT if layer.side == 1 else tones[blocks.index(_block(layer.hook)) % len(tones)]
        shape = "\N{MULTIPLICATION SIGN}".join(map(str, layer.shape)) or "1"
        lines = (
            f"<b>{style.literal(layer.hook)}</b>",
            style.literal(layer.module),
            shape,
            f"{layer.parameters:,} parameters",
        )
        fig.add_trace(
            go.Scatter(
                x=[x, x, x + width, x + width, x], y=[-height, height, height, -height, -height], mode="lines",
                fill="toself", fillcolor=colour, line={"color": "white", "width": 1}, hoveron="fills",
                text="<br>".join(lines), hoverinfo="text", showlegend=False,
            )
        )  # fmt: skip
        if shape != shown and x >= free:  # said where it changes, if there is room
            shown, free = shape, x + 0.0056 * end * (len(shape) + 4 * (len(layer.shape) - 1))
            font = {"size": 10, "color": style.GREY}
            style.note(fig, shape, x=x, y=height, xanchor="left", yanchor="bottom", font=font)
    fig.update_xaxes(
        tickmode="array", tickvals=[x + width / 2 for x, width in zip(lefts, widths, strict=True)],
        range=[-0.4, end + 0.4], ticktext=[style.literal(layer.hook) for layer in layers],
        tickangle=-90 if many else -40, tickfont={"size": 11}, showgrid=False, showline=False, ticks="",
    )  # fmt: skip
    fig.update_yaxes(visible=False)
    fig.update_layout(margin={"t": 70, "l": 70})
    total = sum(layer.parameters for layer in layers)
    return Figure(
        fig,
        f"{len(layers)} hook points; their modules have {total:,} parameters. A box is as high as the side of the map "
        "and as wide as the number of channels (both on a square-root scale). Grey: no map.",
    )


def _block(hook: str) -> str:
    return hook.split(".")[0]
