"""Show circuits: the drawing, faithfulness over size, and the effect of each channel by itself."""

from __future__ import annotations

import re

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mechinterp.experiments.circuit.captions import chosen, each, random
from mechinterp.experiments.circuit.result import Circuit, Faithfulness, Question, Result
from mechinterp.experiments.inputs.ranks import against_random
from mechinterp.policies.readouts import as_readout
from mechinterp.reporting.figure import Figure, Text
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots
from mechinterp.reporting.plots.network import AGAINST, TOWARD, drawing, words

METHOD = (
    "A circuit is a set of channels of the layers that write to the residual stream. When it is run, everything "
    "outside it is replaced by its activation on the other frame of the pair. That is the corrupted frame when "
    "denoising (is the circuit sufficient?) and the clean frame when noising (is it necessary?). Faithfulness is the "
    "share of the total effect that the circuit carries.",
    "Channels are ranked by the larger of their exact effects, denoising and noising. The circuit is the smallest of "
    "the sizes tried that reaches {result.share:g} both ways on the levels that choose. All numbers come from other "
    "levels.",
    "The chosen circuit is ranked among {result.random_circuits} random circuits with as many channels in every layer; "
    "the grey band is the range of these, and of a few random ones at each other size. Where the mean effect is too "
    "close to zero for a circuit, the size of the change in each pair is asked, which cannot cancel. A gate carries "
    "the same in both frames of a pair; four frames (coin right or left, with a saw and without) ask for the circuit "
    "of the interaction. Random networks have circuits too: of what the policy learned this speaks only where its "
    "total effect exceeds theirs. CPR is the area under faithfulness over size, CMD the area between faithfulness and "
    "1 (Mueller et al. 2025). Lines in the drawing are direct effects from channel to channel, by path patching.",
)
_WAYS = {"denoise": ("denoising: sufficient?", style.BLUE), "noise": ("noising: necessary?", style.PINK)}
_TICKS = [1, 2, 5, 10, 20, 50, 100, 200, 500]
_MOST = 40
"""More dots than this cannot be distinguished; only channels with a drawn edge are kept."""


def figures(result: Result) -> list[Figure]:
    """For each question: the drawing and the curve where a circuit was found, and the effects of single channels."""
    made = []
    for variable, question in result.questions.items():
        if question.circuit is not None:
            made += [
                Figure(_drawing(variable, question, question.circuit), chosen(question, result.share)),
                Figure(
                    _curve(variable, question, question.circuit, result.share), _compared(question, question.circuit)
                ),
            ]
        made.append(Figure(_effects(variable, question), each(question)))
    return made


def text(result: Result) -> Text:
    """Nothing beyond the figures."""
    return Text()


def _compared(question: Question, circuit: Circuit) -> str:
    return f"{random(circuit)} {against_random(question.random_p)}".strip()


def _drawing(variable: str, question: Question, circuit: Circuit) -> go.Figure:
    effects = {(hook, channel): float(question.denoise[hook][channel]) for hook, channel in circuit.channels}
    edges = [(edge.source, edge.target, edge.effect) for edge in circuit.edges]
    if len(effects) > _MOST:
        ends = {end for source, target, _ in edges for end in (source, target)}
        effects = {channel: effect for channel, effect in effects.items() if channel in ends}
    return drawing(
        list(question.denoise), effects, edges, name=_name(variable, "drawing"),
        question=f"{_effect(variable, question)}: which channels carry it?",
    )  # fmt: skip


def _curve(variable: str, question: Question, circuit: Circuit, share: float) -> go.Figure:
    title = f"{_effect(variable, question)}: how large must the circuit be?"
    fig = style.figure(_name(variable, "curve"), title, height=430)
    ways = {"denoise": circuit.denoise, "noise": circuit.noise}
    for way, (label, colour) in _WAYS.items():
        sizes = sorted(ways[way].sizes)
        estimates = [ways[way].sizes[size] for size in sizes]
        dots(fig, estimates, sizes, label=label, colour=colour, size=9, upright=True)
        fig.add_trace(
            go.Scatter(
                x=sizes, y=[e.value for e in estimates], mode="lines", line={"color": colour, "width": 1.5},
                showlegend=False, hoverinfo="skip",
            )
        )  # fmt: skip
    _band(fig, ways["denoise"], ways["noise"])
    fig.add_hline(share, line={"color": style.AMBER, "width": 1.5, "dash": "dot"}, layer="below")
    fig.add_hline(1, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.add_vline(len(circuit.channels), line={"color": style.AMBER, "width": 1.5, "dash": "dot"}, layer="below")
    values = [e.value for way in ways.values() for e in way.sizes.values()]
    top, bottom = min(2.0, max(1.2, *values)), max(-1.0, min(-0.1, *values))
    fig.update_yaxes(title_text="faithfulness: share of the effect", tickformat=".0%", range=[bottom, top + 0.05])
    fig.update_xaxes(title_text=f"channels in the circuit, of {question.candidates}", type="log", tickvals=_TICKS)
    return fig


def _band(fig: go.Figure, *ways: Faithfulness) -> None:
    """The range of random circuits at each size, of both directions together."""
    nulls = [(size, e.null) for way in ways for size, e in way.sizes.items() if e.null is not None]
    sizes = sorted({size for size, _ in nulls})
    low = [min(null.low for at, null in nulls if at == size) for size in sizes]
    high = [max(null.high for at, null in nulls if at == size) for size in sizes]
    fig.add_trace(
        go.Scatter(
            x=[*sizes, *reversed(sizes)], y=[*high, *reversed(low)], mode="lines", line={"width": 0}, fill="toself",
            fillcolor=style.NULL_BAND, hoverinfo="skip", name="random circuits, as many channels in every layer",
        )
    )  # fmt: skip


def _effects(variable: str, question: Question) -> go.Figure:
    readout = as_readout(question.readout)
    fig = make_subplots(
        rows=1, cols=2, subplot_titles=[label for label, _ in _WAYS.values()], horizontal_spacing=0.03,
        shared_yaxes=True,
    )  # fmt: skip
    style.dress(
        fig, _name(variable, "effects"),
        f"{_effect(variable, question)}: what does each channel carry by itself?",
        height=190 + 34 * len(question.denoise),
    )  # fmt: skip
    both = (question.denoise, question.noise)
    widest = max(len(values) for values in question.denoise.values())
    largest = max(float(np.abs(values).max()) for one in both for values in one.values()) or 1.0
    unit = readout.unit or readout.name
    for column, one in enumerate(both, 1):
        fig.add_trace(
            go.Heatmap(
                z=[[*map(float, values), *[None] * (widest - len(values))] for values in one.values()],
                y=[words(hook) for hook in one], zmin=-largest, zmax=largest, xgap=1, ygap=1,
                colorscale=[[0, AGAINST], [0.5, "#F4F5F7"], [1, TOWARD]], showscale=column == len(both),
                colorbar={"title": {"text": unit}, "thickness": 12},
                hovertemplate=f"%{{y}}, channel %{{x}}<br>%{{z:.4f}} {unit}<extra></extra>",
            ),
            row=1, col=column,
        )  # fmt: skip
    fig.update_xaxes(title_text="channel", showgrid=False)
    fig.update_yaxes(autorange="reversed", showgrid=False)
    fig.update_annotations(font={"size": 12, "color": style.GREY})
    return fig


def _effect(variable: str, question: Question) -> str:
    """The effect in a few words, such as "coin side -> moving right"."""
    return f"{variable[:1].upper()}{variable[1:]} \N{RIGHTWARDS ARROW} {as_readout(question.readout).noun}"


def _name(variable: str, what: str) -> str:
    return f"circuit-{re.sub(r'[^a-z0-9]+', '-', variable.lower())}-{what}"
