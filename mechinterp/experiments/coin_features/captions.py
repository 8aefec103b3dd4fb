"""What may be said about the coin, from the result alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mechinterp.experiments.coin_features.counts import MUCH, ChannelCounts, counts, total
from mechinterp.experiments.coin_features.result import Ablation, Place, Result
from mechinterp.features.changes import KL, MOVEMENT_BY_SIDE, QUANTITIES
from mechinterp.features.verdicts import Verdict
from mechinterp.policies.readouts import READOUTS
from mechinterp.reporting.plots.maps import LEGEND
from mechinterp.reporting.wording import listed, number, reading, share
from mechinterp.stats import Estimate

_FEW = 2
"""Quantities that a cell of the table names; of more it gives the number."""
TOLD = ("movement by side", "movement by presence", "movement unsigned", "jump by presence", "jump unsigned", KL)
"""The quantities that are drawn and tabulated."""
TOP_FRAMES = "The frames in which each channel is largest, of all visited states and scenes with a coin."


def headline(result: Result) -> str:
    """The answer in a few sentences."""
    less = [hook for hook, layer in result.layers.items() if layer.verdict in _LESS]
    if not less:
        return _answer(result)
    verb = "holds" if len(less) == 1 else "hold"
    return f"{_answer(result)} {listed(less)} {verb} less of the coin than untrained networks do."


_LESS = (Verdict.DISCARDED, Verdict.USED_DISCARDED)


def _answer(result: Result) -> str:
    found = {layer.verdict for layer in result.layers.values()}
    within = [
        hook
        for hook, layer in result.layers.items()
        if layer.verdict in (Verdict.USED_WITHIN_NULL, Verdict.USED_DISCARDED)
    ]
    if result.represented:
        also = f" {_within(within)}" if within else ""
        return f"It represents the coin: {certainty(total(result))} {_use(found, total(result).confirmed)}{also}"
    if any(verdict.direction_alone for verdict in found):
        if Verdict.DIRECTION_USED in found:
            use = "it causally affects the action."
        elif Verdict.DIRECTION_UNCLEAR in found:
            use = "whether it causally affects the action is unclear."
        else:
            use = "it is decodable but not causally used."
        also = f" {_within(within)}" if within else ""
        return f"No coin channel was confirmed. A coin direction exceeds untrained networks; {use}{also}"
    start = "No channel and no direction was shown to represent the coin better than untrained networks do."
    return f"{start} {_within(within, contrast=True)}" if within else start


def _within(hooks: list[str], *, contrast: bool = False) -> str:
    start = "Yet the" if contrast else "The"
    direction = "direction" if len(hooks) == 1 else "directions"
    verb, does = ("affects", "does") if len(hooks) == 1 else ("affect", "do")
    return f"{start} coin {direction} of {listed(hooks)} causally {verb} the action, but {does} not exceed them."


def certainty(found: ChannelCounts) -> str:
    """How many channels by which of the two criteria."""
    rest = found.confirmed - found.exceed_maximum
    more = f"; the other {rest} pass the false discovery rate (5 %) alone" if rest else ""
    of_them = "it exceeds" if found.confirmed == 1 == found.exceed_maximum else f"{found.exceed_maximum} of them exceed"
    return (
        f"{channels(found.confirmed)} {'discriminates' if found.confirmed == 1 else 'discriminate'} it from the other "
        f"objects of the game; {of_them} the maximum over untrained networks (FWER 5 %){more}."
    )


def _use(found: set[Verdict], count: int) -> str:
    one = count == 1
    if Verdict.CHANNELS_USED in found:
        return f"{'It causally affects' if one else 'They causally affect'} the action."
    if any(verdict.used for verdict in found):
        return f"Coin directions causally affect the action; for the channel{'' if one else 's'} this was not shown."
    if Verdict.CHANNELS_UNCLEAR in found:
        return f"Whether {'it causally affects' if one else 'they causally affect'} the action is unclear."
    return f"{'It is' if one else 'They are'} decodable but not causally used."


def looks(found: ChannelCounts) -> str:
    """What of the coin its channels respond to: its colour, its shape, or neither alone."""
    if not found.confirmed:
        return ""
    if found.square > found.confirmed / 2 >= found.other_colours:
        most = "Most respond to a patch of that colour, not to the coin's shape."
    elif found.other_colours > found.confirmed / 2 >= found.square:
        most = "Most respond to the coin's shape, not to its colour."
    else:
        most = "Neither colour nor shape alone accounts for most of them."
    return (
        f"A plain square of the coin's colour evokes at least {share(MUCH)} of the response to the coin in "
        f"{found.square} of {channels(found.confirmed, 'coin ')} (at least {share(1)} in {found.square_all}); a "
        f"recoloured coin does so in {found.other_colours}. {most}"
    )


def decoding(result: Result) -> str:
    """What the channels respond to, what may be said of each layer, and the control."""
    lines = [looks(total(result))] if result.represented else []
    by_verdict: dict[Verdict, list[str]] = {}
    for hook, layer in result.layers.items():
        own = counts(layer)
        beyond = f" ({own.exceed_maximum} of {own.confirmed} exceed the maximum)" if own.confirmed else ""
        by_verdict.setdefault(layer.verdict, []).append(f"{hook}{beyond}")
    lines += [f"{listed(hooks)}: {verdict.words}." for verdict, hooks in by_verdict.items()]
    dead = [f"{hook} ({layer.dead} of {layer.width})" for hook, layer in result.layers.items() if layer.dead]
    if dead:
        lines.append(f"Channels that never change, with a coin or without: {listed(dead)}.")
    return "\n".join([*lines, _control(result)])


def effects(result: Result) -> list[tuple[str, ...]]:
    """A row for each part that was ablated: layer, part, its effects, by which it was shown, and what equals it."""
    rows = []
    for hook, layer in result.layers.items():
        parts = {channels(len(layer.channels)): layer.channels_ablated, "direction": layer.direction_ablated}
        for what, part in parts.items():
            if part is not None:
                sizes = [
                    number(part.effects[name], QUANTITIES[name].unit, signed=QUANTITIES[name].signed) for name in TOLD
                ]
                rows.append((hook, what, *sizes, _shown_for(part.affected), _several(_as_large(part))))
    return rows


def _shown_for(affected: Sequence[str]) -> str:
    """The quantities of the part as a whole, and how many of its channels do it by themselves."""
    alone = [name for name in affected if name not in QUANTITIES]  # "channel 9: jump unsigned"
    count = len({name.partition(":")[0] for name in alone})
    whole = [name for name in affected if name in QUANTITIES]
    whole = whole if len(whole) <= _FEW else [f"{len(whole)} of {len(QUANTITIES)} effects"]
    return _several(whole + ([f"{channels(count)} alone"] if count else []))


def _several(names: Sequence[str]) -> str:
    return listed(list(names)) if names else "\N{EN DASH}"


def _as_large(part: Ablation) -> list[str]:
    """Other parts whose effects are as large, of quantities whose margin the part exceeds."""
    found: dict[str, list[str]] = {}
    for name, other in part.exceeded_by.items():
        if abs(part.effects[name].value) > (QUANTITIES[name].margin or 0.0):
            listing = other.startswith("channels ")
            found.setdefault("random channels" if listing else other, []).append(name)
    return [
        f"{other} ({', '.join(names)})"
        if len(names) <= _FEW
        else f"{other} ({len(names)} of {len(part.effects)} effects)"
        for other, names in found.items()
    ]


def clouds(result: Result) -> str:
    """What the scatter of all channels shows."""
    found = total(result)
    confirmed = channels(found.confirmed) if found.confirmed else "No channel"
    verb = "were" if found.confirmed > 1 else "was"
    return (
        f"{confirmed} {verb} confirmed on levels that were not used for choosing. Across: the contrast between coin "
        "and empty place. Up: the selective contrast, the smallest against an empty place, a crate, a saw, an enemy, "
        f"lava and the end wall. Grey: channels of {result.untrained} untrained networks. {looks(found)}"
    ).strip()


def ablation(result: Result) -> str:
    """How much of the coin's effect runs through what was found."""
    effect, size_of = result.effects[MOVEMENT_BY_SIDE], result.effects["movement unsigned"]
    size = number(effect, "nats", signed=True)
    margin = READOUTS["movement"].margin or 0.0
    presence = number(result.effects["movement by presence"], "nats", signed=True)
    attraction = {
        "above": f"The coin attracts the policy to its side (on the right instead of the left: {size})",
        "below": f"The coin repels the policy from its side (on the right instead of the left: {size})",
        "equivalent": f"The effect of the coin's side on movement is equivalent to 0 within {margin:g} nats ({size})",
        "unclear": f"Whether the coin attracts the policy is unclear ({size})",
    }[reading(effect, margin=margin)]
    return (
        f"{attraction}. Its presence, on either side, changes them by {presence}; the mean size of the change is "
        f"{number(size_of, 'nats')}. The other dots are the part of the effect that is lost when the coin channels of "
        "a layer, or its coin direction, are replaced by their coin-absent activations, on levels on which nothing was "
        "chosen. An effect counts as shown if it exceeds the margin (green), that of every other part that it is "
        f"compared with (up to {result.random} random sets of as many other channels, or the directions of other "
        "objects and random ones), and chance, corrected for all tests."
    )


def maps(result: Result) -> str:
    """What is drawn, and where the drawn coin channels change with the coin."""
    lines = [f"Activation maps with the coin and without it, in examples. {LEGEND}"]
    for drawn in result.examples.maps if result.examples is not None else ():
        channel = result.layers[drawn.hook].channels.get(drawn.channel)
        if channel is not None and channel.place is not None:
            lines.append(f"{drawn.hook}, channel {drawn.channel}: {place(channel.place)}")
    return "\n".join(lines)


def place(found: Place) -> str:
    """Where a channel's map changes."""
    return (
        "when a coin is added, the centre of the change lies "
        f"{_offset(found.right, 'right of', 'left of')} and {_offset(found.below, 'below', 'above')} it; "
        f"{number(found.around, percent=True)} of the change is in the 3 x 3 cells around it."
    )


def _offset(estimate: Estimate, positive: str, negative: str) -> str:
    """`3.4 pixels [2.9, 4.0] left of`: in the direction of the value's sign."""
    way = positive
    if estimate.value < 0:
        way = negative
        estimate = replace(estimate, value=-estimate.value, low=-estimate.high, high=-estimate.low)
    return f"{number(estimate, 'pixels')} {way}"


def _control(result: Result) -> str:
    if result.decoy_difference == 0:
        return "Control: a real coin and its picture are the same in every pixel; no network can discriminate them."
    return (
        f"A real coin and its picture differ by up to {result.decoy_difference} of 255 in some pixel: a network may "
        "discriminate them."
    )


def channels(count: int, kind: str = "") -> str:
    """`1 channel`, `2 coin channels`."""
    return f"{count} {kind}channel{'s' if count != 1 else ''}"
