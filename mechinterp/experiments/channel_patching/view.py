"""Show what patching the chosen channels restores and removes."""

from __future__ import annotations

import plotly.graph_objects as go

from mechinterp.experiments.channel_patching.captions import effects, patched, shares
from mechinterp.experiments.channel_patching.result import Direction, Result
from mechinterp.reporting.figure import Figure, KeyNumber, Text
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, rows, written
from mechinterp.reporting.wording import interval, number, short

METHOD = (
    "Denoising puts activations of the “{result.clean}” frame into a run on the “{result.corrupted}” frame; noising "
    "does the opposite. Only the named channels are replaced; all that follows is recomputed. Effects are changes of "
    "log P(right) \N{MINUS SIGN} log P(left). Positive is the sign of clean minus corrupted. The amber line and band "
    "are the total effect.",
    "Random channels are as many channels of the same hook point: {result.random_sets} different sets, or all, where "
    "there are fewer. The chosen channels carry clearly more where their rank among these sets is at most 5 %, in the "
    "direction of the total effect, and the interval of their difference from the mean of the sets excludes 0. In "
    "random networks, too, channels that respond to the coin carry its effect: of what the policy learned this speaks "
    "only where its total effect exceeds theirs. Sets "
    "are matched in hook point and number, not in how large their activations are. Channels are chosen and reported on "
    "different levels: {result.pairs_choose} pairs of this kind lie on the levels that choose, {result.pairs} on those "
    "reported here.",
)
DIRECTIONS: tuple[Direction, ...] = ("denoise", "noise")
_QUESTION = {
    "denoise": "Are these channels sufficient? (denoising)",
    "noise": "Are these channels necessary? (noising)",
}
_AXIS = {
    "denoise": "effect restored in the “{corrupted}” frame by activations of the “{clean}” frame, nats",
    "noise": "effect removed in the “{clean}” frame by activations of the “{corrupted}” frame, nats",
}
_PARTS = {
    "chosen": ("chosen channels", style.BLUE, "circle", 12, 0.2),
    "random": ("size-matched random channels", style.GREY, "x-thin-open", 9, 0.0),
    "every": ("all channels", style.INK, "square-open", 9, -0.2),
}


def figures(result: Result) -> list[Figure]:
    """Effects of patching in each direction and, where they could be formed, the shares of the total effect."""
    made = [_effects(result, direction) for direction in DIRECTIONS]
    if any(one.share for direction in DIRECTIONS for one in patched(result, direction).values()):
        made.append(_shares(result))
    return made


def text(result: Result) -> Text:
    """The share at the first hook point, and next to it those of all later ones: none is picked by its result."""
    known = {hook: one.share for hook, one in patched(result, "denoise").items() if one.share is not None}
    if not known:
        total = result.total
        key = KeyNumber("total effect to be restored", short(total, "nats", signed=True), interval(total))
        return Text(keys=[key])
    first, *later = known
    context = interval(known[first], percent=True)
    if later:
        context += "; " + ", ".join(f"{short(known[hook], percent=True)} at {hook}" for hook in later)
    label = f"share of the coin's effect restored by the chosen channels of {first}"
    return Text(keys=[KeyNumber(label, short(known[first], percent=True), context)])


def _effects(result: Result, direction: Direction) -> Figure:
    found, total = patched(result, direction), result.total
    fig = style.figure(f"patching-{direction}", _QUESTION[direction], height=190 + 74 * len(found))
    at = _rows(fig, result)
    fig.add_vrect(total.low, total.high, fillcolor="rgba(230, 159, 0, 0.16)", line_width=0, layer="below")
    fig.add_vline(total.value, line={"color": style.AMBER, "width": 2})
    font = {"size": 11, "color": "#8A5F00"}
    style.note(
        fig, "total effect", x=total.value, y=1, yref="paper", yanchor="bottom", xanchor="center", font=font
    )  # fmt: skip
    for part, (label, colour, symbol, size, shift) in _PARTS.items():
        known = [(e, y + shift) for one, y in zip(found.values(), at, strict=True) if (e := getattr(one, part))]
        dots(
            fig, [e for e, _ in known], [y for _, y in known], label=label, colour=colour, symbol=symbol, size=size,
            unit="nats",
        )  # fmt: skip
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    differences = [(one.difference, y) for one, y in zip(found.values(), at, strict=True) if one.difference is not None]
    written(fig, [e for e, _ in differences], [y for _, y in differences], unit="nats", signed=True)
    heading = "<b>chosen \N{MINUS SIGN} random</b>"
    style.note(fig, heading, x=1.0, y=1.0, xref="paper", yref="paper", yanchor="bottom", xshift=14)
    fig.update_xaxes(
        title_text=_AXIS[direction].format(clean=style.literal(result.clean), corrupted=style.literal(result.corrupted))
    )
    style.lift(fig, 22)
    return Figure(fig, effects(result, direction))


def _shares(result: Result) -> Figure:
    question = "How much of the coin's effect do they carry?"
    fig = style.figure("patching-shares", question, height=160 + 60 * len(result.sites))
    at = _rows(fig, result)
    looks: dict[Direction, tuple[str, str, str, float]] = {
        "denoise": ("restored (denoising)", style.BLUE, "circle", 0.14),
        "noise": ("removed (noising)", style.PINK, "diamond", -0.14),
    }
    for direction, (label, colour, symbol, shift) in looks.items():
        places = zip(at, patched(result, direction).values(), strict=True)
        known = [(one.share, y + shift) for y, one in places if one.share is not None]
        dots(
            fig, [e for e, _ in known], [y for _, y in known], label=label, colour=colour, symbol=symbol, size=11,
            percent=True,
        )  # fmt: skip
        for e, y in known:
            font = {"size": 12, "color": colour}
            style.note(fig, number(e, percent=True), x=1.0, y=y, xref="paper", xshift=14, font=font)
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.add_vline(1, line={"color": style.AMBER, "width": 2}, layer="below")
    fig.update_xaxes(title_text="share of the total effect", tickformat=".0%")
    fig.update_layout(margin={"r": 150})
    return Figure(fig, shares(result))


def _rows(fig: go.Figure, result: Result) -> list[float]:
    return rows(
        fig,
        [
            f"<b>{style.literal(hook)}</b><br>"
            f"<span style='color:{style.GREY}'>{', '.join(map(str, site.channels))}</span>"
            for hook, site in result.sites.items()
        ],
    )
