"""Show which channels respond to the coin."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from mechinterp.experiments.coin_contrast.result import Result
from mechinterp.features.layerwise import ALPHA
from mechinterp.reporting.figure import Figure, KeyNumber, Text
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import UNSEEN, dots, null_bands, rows, written
from mechinterp.reporting.plots.maps import LEGEND, maps
from mechinterp.reporting.wording import interval, listed, number, plain, short, stands_out
from mechinterp.stats import Estimate

METHOD = (
    "Each channel is read at the cell of its map that covers the coin, with the coin and without it, and measured as "
    "{result.statistic}. The null is the central 95 % range of the same statistic over the channels of the same layer "
    "in {result.untrained_networks} untrained networks. A channel is said to be beyond it where its whole interval is, "
    "and no more than 5 % of networks have any channel that stands out as far in its layer.",
    "A layer holds more or less of the coin than untrained networks do where the root mean square of its contrasts is "
    "larger or smaller than theirs: two sides, p at most 5 % after correction for all layers (the farthest layer of "
    "each untrained network). Less is a finding too: the layer discards what random weights let through.",
    "Channels are chosen on {result.pairs_choose} pairs and reported on {result.pairs} pairs of other levels.",
)
FEWEST = math.ceil(1 / ALPHA) - 1
"""Untrained networks without which no p falls to `ALPHA`."""
SHOWN = 8
"""How many of the chosen channels are drawn by themselves."""
_SPREAD = 0.36
"""Half of the width over which a layer's channels are laid out, in layers."""


def figures(result: Result) -> list[Figure]:
    """All channels of all layers, the chosen ones by themselves and, where they were kept, example maps."""
    made = [_channels(result)]
    if result.chosen:
        made.append(_chosen(result))
    if result.examples is not None:
        made.append(_maps(result))
    return made


def text(result: Result) -> Text:
    """The response of the strongest chosen channel."""
    if not result.chosen:
        return Text()
    hook, channel = result.chosen[0]
    contrast = result.layers[hook].channels[channel]
    words = "beyond" if beyond(contrast) else "not clearly beyond"
    context = f"{result.unit}, {interval(contrast)}; {words} the range of untrained networks"
    return Text(
        keys=[KeyNumber(f"response to the coin, {hook} channel {channel}", short(contrast, signed=True), context)]
    )


def beyond(contrast: Estimate) -> bool:
    """Whether a channel stands out from untrained networks: its whole interval lies beyond the range of its layer's
    channels there, and so far out hardly any of these networks has a channel, whatever the layer.

    The strongest of many channels lies beyond the range of most by being the strongest: the range alone was left by the
    strongest channel of most random networks (`analyses/false_alarms.py`).
    """
    assert contrast.null is not None
    assert contrast.null.p is not None
    return stands_out(contrast) and contrast.null.p <= ALPHA


def layers(result: Result) -> str:
    """Which layers hold more, and which less, of the coin than untrained networks do."""
    told = []
    for which, verb in (("more", "added"), ("less", "discarded")):
        hooks = [hook for hook, layer in result.layers.items() if getattr(layer, verb)]
        if hooks:
            holds = "holds" if len(hooks) == 1 else "hold"
            sizes = [
                f"{hook} ({result.layers[hook].strength:.2f} against {result.layers[hook].untrained_strength:.2f}, "
                f"p = {result.layers[hook].strength_p:.2g})"
                for hook in hooks
            ]
            told.append(f"{listed(sizes)} {holds} {which} of the coin than untrained networks do.")
    if not told and result.untrained_networks < FEWEST:
        return f"Whether layers hold more or less of it cannot be said: that needs {FEWEST} untrained networks."
    return " ".join(told) or "No layer was shown to hold more or less of the coin than untrained networks do."


def counted(result: Result) -> str:
    """How many channels exceed the range of untrained networks, how many would by chance, and the strongest chosen."""
    every = [contrast for layer in result.layers.values() for contrast in layer.channels]
    outside, chance = sum(map(stands_out, every)), 0.05 * len(every)
    words = (
        f"{outside or 'None'} of {len(every)} channels {'has' if outside <= 1 else 'have'} an interval wholly beyond "
        "the range of the same layer in untrained networks"
    )
    words += f" (at most about {chance:.0f} by chance)." if chance >= 1 else "."
    words += f" {layers(result)}"
    if not result.chosen:
        return words
    hook, channel = result.chosen[0]
    contrast = result.layers[hook].channels[channel]
    size = f"{result.unit} {number(contrast, signed=True)}"
    null = contrast.null
    assert null is not None
    assert null.p is not None
    band = f"untrained networks: {plain(null.low, 2)} to {plain(null.high, 2)}, p = {null.p:.2g}"
    verdict = "is beyond" if beyond(contrast) else "is not clearly beyond"
    return f"{words} The strongest chosen channel, {hook} channel {channel}, {verdict} that range ({size}; {band})."


def confirmed(result: Result) -> str:
    """How many of the chosen channels exceed the range of untrained networks on levels that did not choose them."""
    chosen = [result.layers[hook].channels[channel] for hook, channel in result.chosen]
    clear = sum(map(beyond, chosen))
    words = (
        f"{clear or 'None'} of the {len(chosen)} channels chosen on other levels {'is' if clear <= 1 else 'are'} "
        "beyond the range of untrained networks here."
    )
    return f"{words} The first {SHOWN} are drawn." if len(chosen) > SHOWN else words


def _channels(result: Result) -> Figure:
    fig = style.figure("channels", "Which channels respond to the coin, at its place?", height=500)
    groups: dict[str, list[tuple[float, Estimate]]] = {"within": [], "beyond": [], "chosen": []}
    for x, (hook, layer) in enumerate(result.layers.items()):
        for channel, contrast in enumerate(layer.channels):
            place = x + _SPREAD * (2 * (channel + 0.5) / len(layer.channels) - 1)
            chosen = (hook, channel) in result.chosen
            groups["chosen" if chosen else "beyond" if stands_out(contrast) else "within"].append((place, contrast))
        _band(fig, x, layer.channels)
    looks = {
        "within": ("not clearly beyond it", style.LIGHT, 5),
        "beyond": ("interval beyond it", style.BLUE, 6),
        "chosen": ("chosen on other levels", style.AMBER, 11),
    }
    for group, (label, colour, size) in looks.items():
        if own := groups[group]:
            dots(
                fig, [e for _, e in own], [x for x, _ in own], label=label, colour=colour, size=size, upright=True,
                unit=result.unit,
            )  # fmt: skip
    many = len(result.layers)
    fig.add_hline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.update_xaxes(
        tickmode="array", tickvals=list(range(many)), ticktext=list(map(style.literal, result.layers)),
        range=[-0.6, many - 0.4], showgrid=False, tickangle=-28 if many > 5 else 0,
    )  # fmt: skip
    fig.update_yaxes(title_text=f"contrast, present \N{MINUS SIGN} absent<br>({result.unit})")
    return Figure(fig, counted(result))


def _band(fig: go.Figure, x: int, contrasts: Sequence[Estimate]) -> None:
    """The null's range behind the channels of one layer (of one channel each, should they differ)."""
    ranges = [(e.null.low, e.null.high) for e in contrasts if e.null is not None]
    if len(set(ranges)) == 1:
        ranges = ranges[:1]  # one box, without seams between channels
    xs, ys = [], []
    for index, (low, high) in enumerate(ranges):
        left, right = (x + (_SPREAD + 0.06) * (2 * (index + side) / len(ranges) - 1) for side in (0, 1))
        xs += [left, left, right, right, left, None]
        ys += [low, high, high, low, low, None]
    fig.add_trace(
        go.Scatter(
            x=xs, y=ys, mode="lines+markers", line={"width": 0}, marker=UNSEEN, fill="toself",
            fillcolor=style.NULL_BAND, hoverinfo="skip", name="range in untrained networks",
            legendgroup="null", showlegend=x == 0,
        )
    )  # fmt: skip


def _chosen(result: Result) -> Figure:
    chosen = result.chosen[:SHOWN]
    contrasts = [result.layers[hook].channels[channel] for hook, channel in chosen]
    question = "How strongly do the chosen channels respond on levels that did not choose them?"
    fig = style.figure("top-channels", question, height=160 + 64 * len(chosen))
    at = rows(fig, [f"<b>{style.literal(hook)}</b>, channel {channel}" for hook, channel in chosen])
    null_bands(fig, contrasts, at)
    dots(fig, contrasts, at, label="policy", colour=style.AMBER, size=12, unit=result.unit)
    written(fig, contrasts, at, signed=True)
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.update_xaxes(title_text=f"contrast, present \N{MINUS SIGN} absent ({result.unit})")
    return Figure(fig, confirmed(result))


def _maps(result: Result) -> Figure:
    assert result.examples is not None
    one = result.examples
    fig = maps(
        "maps",
        "Where in the frame do they respond?",
        frames=one.frames,
        levels=one.levels,
        boxes=one.boxes,
        activations={(own.hook, own.channel): own.values for own in one.maps},
    )
    return Figure(fig, f"{LEGEND} Examples, not evidence.")
