"""Show the attribution of every readout to objects and to channels."""

from __future__ import annotations

from mechinterp.experiments.attribution import captions
from mechinterp.experiments.attribution.result import Result
from mechinterp.reporting.figure import Figure, Text, not_measured
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, null_bands, rows
from mechinterp.reporting.wording import share

METHOD = (
    "Integrated gradients (Sundararajan et al. 2017) of each readout on {result.frames} frames with a coin: for pixels "
    "from the mean of these frames to each frame, for channels from the activation of the mean frame to that of the "
    "frame. The sum of a frame's attributions is checked against the change of the readout; where it is off, the "
    "integral is taken with more steps, and an attribution that still fails is not reported.",
    "Shares are of absolute attributions: to pixels summed over colours, to channels summed over positions. Objects "
    "are segmented from the game's state. Channels are chosen on 40 % of the levels and reported on the others.",
)
_MARKS = ("circle", "diamond", "square", "triangle-up", "cross", "star")
_COLOURS = (style.BLUE, style.GREEN, style.PINK, style.AMBER, style.RED, style.SKY)
_SPREAD = 0.4
"""Distance, within a row, between the dots of the first and the last readout."""


def figures(result: Result) -> list[Figure]:
    """Shares of objects next to their area, and of the channels with the largest shares."""
    made = [_objects(result)] if any(result.objects.values()) else []
    return [*made, _channels(result)] if result.layers else made


def text(result: Result) -> Text:
    """Attributions that could not be made."""
    return Text(tables=not_measured(result.left_out))


def _looks(result: Result) -> dict[str, tuple[str, str, float]]:
    """Colour, symbol and place within a row of each readout."""
    readouts = list(dict.fromkeys((*result.objects, *result.layers)))
    step = _SPREAD / max(1, len(readouts) - 1)
    return {
        readout: (_COLOURS[i % len(_COLOURS)], _MARKS[i % len(_MARKS)], _SPREAD / 2 - i * step)
        for i, readout in enumerate(readouts)
    }


def _objects(result: Result) -> Figure:
    kinds = list(dict.fromkeys(kind for shares in result.objects.values() for kind in shares))
    fig = style.figure(
        "attribution-objects", "Which objects are the outputs attributed to?", height=190 + 52 * len(kinds)
    )
    at = dict(zip(kinds, rows(fig, kinds), strict=True))
    first = next(shares for shares in result.objects.values() if shares)
    areas = [first[kind].area for kind in first]
    dots(
        fig, areas, [at[kind] for kind in first], label="area", colour=style.GREY, symbol="line-ns-open", percent=True,
        size=14,
    )  # fmt: skip
    against = [
        (kind, own.share) for shares in result.objects.values() for kind, own in shares.items() if own.share.null
    ]
    null_bands(fig, [one for _, one in against], [at[kind] for kind, _ in against], half=0.34)
    for readout, (colour, symbol, shift) in _looks(result).items():
        shares = result.objects.get(readout, {})
        if shares:
            dots(
                fig, [own.share for own in shares.values()], [at[kind] + shift for kind in shares], label=readout,
                colour=colour, symbol=symbol, percent=True, size=9,
            )  # fmt: skip
    fig.update_xaxes(title_text="share of the absolute attribution, and of the frame (area)", tickformat=".0%")
    return Figure(fig, captions.objects(result))


def _channels(result: Result) -> Figure:
    hooks = list(dict.fromkeys(hook for layers in result.layers.values() for hook in layers))
    looks = _looks(result)
    fig = style.figure(
        "attribution-channels", "Which channels are the outputs attributed to?", height=190 + 74 * len(hooks)
    )
    at = dict(zip(hooks, rows(fig, [f"<b>{style.literal(hook)}</b>" for hook in hooks]), strict=True))
    for readout, layers in result.layers.items():
        colour, symbol, shift = looks[readout]
        spread = shift * 1.25  # rows are taller here: there is a line of text for each readout
        own = [(at[hook] + spread, one) for hook, layer in layers.items() for one in layer.channels.values()]
        dots(
            fig, [one.share for _, one in own], [y for y, _ in own], label=readout, colour=colour, symbol=symbol,
            percent=True, size=8,
        )  # fmt: skip
        for hook, layer in layers.items():
            words = f"{share(result.coverage)} in {layer.needed} channels; drawn: {', '.join(map(str, layer.channels))}"
            style.note(
                fig, words, x=1.0, y=at[hook] + spread, xref="paper", xshift=14, font={"size": 11, "color": colour}
            )
    fig.update_layout(margin_r=290)
    fig.update_xaxes(title_text="share of the layer's absolute attribution", tickformat=".0%")
    return Figure(fig, captions.channels(result))
