"""1. Who is this?"""

from __future__ import annotations

import math

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.pictures import bare_axes, image
from mechinterp.reports.section import Section

_PER_ROW = 4
_SLANTED = 20
"""So many names of layers fit at a slant; more stand upright."""


def figures(section: Section) -> list[go.Figure]:
    """The network's layers and, where they were kept, frames of it playing and the course of that episode."""
    made = [_network(section)]
    if "film" in section.arrays:
        made.append(_film(section))
    if "episode" in section.tables:
        made.append(_episode(section))
    return made


def _film(section: Section) -> go.Figure:
    frames, captions = section.arrays["film"], section.table("film").records()
    columns = min(_PER_ROW, len(frames))
    count = math.ceil(len(frames) / columns)
    titles = [
        f"<b>step {c['step']}</b>: {c['action']}<br>P(right) {c['p_right']:.2f}, value {c['value']:.1f}"
        for c in captions
    ]  # fmt: skip
    fig = make_subplots(
        rows=count, cols=columns, subplot_titles=titles, horizontal_spacing=0.02, vertical_spacing=0.14 / count
    )
    style.dress(fig, "film", "How does it play?", height=92 + 278 * count)
    for index, frame in enumerate(frames):
        fig.add_trace(image(frame), row=index // columns + 1, col=index % columns + 1)
    bare_axes(fig)
    fig.update_annotations(font={"size": 12, "color": style.INK})
    fig.update_layout(margin={"l": 12, "r": 12, "t": 96, "b": 8}, showlegend=False)
    return fig


def _episode(section: Section) -> go.Figure:
    table = section.table("episode")
    steps = table.column("step")
    fig = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08, row_heights=[0.5, 0.5])
    style.dress(fig, "episode", "How sure is it along the way, and what does it expect?", height=360)
    lines = (
        ("p_right", "P(right)", style.BLUE, "solid", 1),
        ("p_jump", "P(jump)", style.PINK, "dash", 1),
        ("value", "value estimate", style.INK, "solid", 2),
    )
    for column, label, colour, dash, row in lines:
        fig.add_trace(
            go.Scatter(
                x=steps, y=table.column(column), name=label, mode="lines",
                line={"color": colour, "dash": dash, "width": 2},
                hovertemplate=f"step %{{x}}<br>{label} %{{y:.2f}}<extra></extra>",
            ),
            row=row, col=1,
        )  # fmt: skip
    if "film" in section.tables:
        for step in section.table("film").column("step"):
            fig.add_vline(step, line={"color": style.LIGHT, "width": 1, "dash": "dot"}, layer="below")
    fig.update_yaxes(title_text="probability", range=[0, 1], row=1, col=1)
    fig.update_yaxes(title_text="value", row=2, col=1)
    fig.update_xaxes(title_text="step of the episode (dotted: the frames above)", row=2, col=1)
    return fig


def _network(section: Section) -> go.Figure:
    """Each layer a box: as high as its map is wide, as broad as it has channels (square roots of both)."""
    layers = section.table("layers").records()
    many = len(layers) > _SLANTED
    fig = style.figure("network", "What is it made of?", height=400 if many else 330)
    blocks = list(dict.fromkeys(_block(layer["hook"]) for layer in layers))
    tones = (style.BLUE, style.SKY, style.GREEN, style.AMBER)
    sizes = [_sizes(str(layer["shape"])) for layer in layers]
    widths = [0.5 + math.sqrt(channels) / 8 for channels, _ in sizes]
    lefts = [sum(widths[:i]) + 0.35 * i for i in range(len(layers))]
    end, free, shown = lefts[-1] + widths[-1], 0.0, None
    for layer, (_, side), x, width in zip(layers, sizes, lefts, widths, strict=True):
        height = math.sqrt(side)
        colour = style.LIGHT if side == 1 else tones[blocks.index(_block(layer["hook"])) % len(tones)]
        lines = (f"<b>{layer['hook']}</b>", layer["computes"], layer["shape"], f"{layer['parameters']:,} parameters")
        fig.add_trace(
            go.Scatter(
                x=[x, x, x + width, x + width, x], y=[-height, height, height, -height, -height], mode="lines",
                fill="toself", fillcolor=colour, line={"color": "white", "width": 1}, hoveron="fills",
                text="<br>".join(lines), hoverinfo="text", showlegend=False,
            )
        )  # fmt: skip
        if layer["shape"] != shown and x >= free:  # said where it changes, if there is room
            shown, free = layer["shape"], x + 0.0056 * end * len(str(layer["shape"]))
            text = str(shown).replace(" x ", "\N{MULTIPLICATION SIGN}")
            font = {"size": 10, "color": style.GREY}
            style.note(fig, text, x=x, y=height, xanchor="left", yanchor="bottom", font=font)
    fig.update_xaxes(
        tickmode="array", tickvals=[x + width / 2 for x, width in zip(lefts, widths, strict=True)],
        range=[-0.4, end + 0.4],
        ticktext=[layer["hook"] for layer in layers], tickangle=-90 if many else -40, tickfont={"size": 11},
        showgrid=False, showline=False, ticks="",
    )  # fmt: skip
    fig.update_yaxes(visible=False)
    fig.update_layout(margin={"t": 70, "l": 70})
    return fig


def _block(hook: str) -> str:
    return hook.split(".")[0]


def _sizes(shape: str) -> tuple[int, int]:
    """Channels and side of a shape written as "32 x 16 x 16", or units and 1."""
    sizes = [int(part) for part in shape.replace("\N{MULTIPLICATION SIGN}", "x").split("x") if part.strip().isdigit()]
    return (sizes[0] if sizes else 1), (sizes[-1] if len(sizes) == 3 else 1)
