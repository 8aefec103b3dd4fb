"""Where is the coin?"""

from __future__ import annotations

from dataclasses import replace

from mechinterp.features.verdicts import BARE, HELD, VERDICTS
from mechinterp.reporting.wording import listed, number, reading
from mechinterp.reports.found import MUCH, Found, found
from mechinterp.reports.judged import verdicts
from mechinterp.reports.section import Section
from mechinterp.stats import Estimate


def headline(section: Section) -> str:
    """The answer in one line."""
    by_hook = verdicts(section)
    held = set(by_hook.values())
    bare = [hook for hook, verdict in by_hook.items() if verdict == BARE]
    also = f" An action hangs on the coin's direction at {listed(bare)}, which is not beyond chance." if bare else ""
    if section.facts["represented"]:
        return f"It represents the coin: {sure(Found.total(found(section).values()))} {_hangs(held)}{also}"
    if "spread, used" in held:
        return f"No coin channel was shown, but a direction beyond chance holds the coin and moves the action.{also}"
    if "spread, unclear" in held:
        return f"No coin channel was shown. A direction beyond chance holds the coin; its use is unclear.{also}"
    if "spread, not connected" in held:
        return f"No coin channel was shown. A direction beyond chance holds the coin, but no action hangs on it.{also}"
    start = "No channel and no direction was shown to hold the coin better than untrained networks do by chance"
    return f"{start}. Yet an action hangs on the coin's direction at {listed(bare)}." if bare else f"{start}."


def sure(counts: Found) -> str:
    """How many channels by which of the two criteria."""
    rest = counts.channels - counts.beyond_all
    more = f", the other {rest} by the false discovery rate alone" if rest else ""
    return (
        f"{counts.channels} channels tell it from other things of the game, {counts.beyond_all} of them farther than "
        f"any channel of untrained networks (in 95 % of those){more}."
    )


def _hangs(held: set[str]) -> str:
    if "used" in held:
        return "Its actions hang on them."
    if held & set(HELD):
        return "Its actions hang on coin directions, not demonstrably on these channels."
    if "unclear" in held:
        return "Whether any action hangs on them is unclear."
    return "No action hangs on them: decodable but not connected."


def looks(counts: Found) -> str:
    """What of the coin its channels answer to: a patch of its colour would do."""
    if not counts.channels:
        return ""
    return (
        f"A plain square of the coin's colour in its place gets at least {MUCH:.0%} of the answer in {counts.square} "
        f"of the {counts.channels} coin channels (in {counts.square_most} as much as the coin, or more), a coin in "
        f"other colours in {counts.other_colours}: {_patch(counts)}"
    )


def _patch(counts: Found) -> str:
    if counts.square > counts.channels / 2 >= counts.other_colours:
        return "most answer to a patch of that colour, not to the coin's shape."
    if counts.other_colours > counts.channels / 2 >= counts.square:
        return "most answer to the coin's shape, not to its colour."
    return "neither colour nor shape alone accounts for most of them."


def sentences(section: Section) -> dict[str, str]:
    """One text for each figure."""
    layers = section.table("layers").records()
    by_hook, counts = verdicts(section), found(section)
    every = Found.total(counts.values())
    lines = [headline(section), *filter(None, [looks(every)])]
    for layer in layers:
        own = counts[layer["hook"]]
        beyond = f" ({own.beyond_all} of {own.channels} beyond any of untrained networks)" if own.channels else ""
        words = VERDICTS[by_hook[layer["hook"]]]
        lines.append(f"{layer['hook']}: {words}{beyond}.{_effects(section, layer)}")
    dead = [f"{layer['hook']} ({layer['dead']} of {layer['channels']})" for layer in layers if layer["dead"]]
    if dead:
        lines.append(f"Channels that never change, with a coin or without: {listed(dead)}.")
    lines.append(
        f"A real coin and its picture differ in {section.facts.get('decoy_difference', 0)} of 255 levels of any pixel: "
        "the network cannot tell them apart."
    )
    count = sum(layer["coin_channels"] for layer in layers)
    networks = section.facts["untrained_networks"]
    return {
        "atlas-decode": "\n".join(lines),
        "atlas-cloud": f"{count or 'No'} channel{'s' if count != 1 else ''} confirmed on levels that did not choose, "
        f"{every.beyond_all} of them beyond any channel of untrained networks (see above). "
        f"Grey: channels of {networks} untrained networks. Right: rises with the coin; up: tells it from a crate, a "
        f"saw, an enemy, lava and the end wall as well. {looks(every)}".strip(),
        "atlas-use": _use(section),
        "atlas-probes": "Score of a linear probe minus that of the better baseline (pixels, untrained networks), on "
        "levels that it was not fitted on. The layer is the best of those tried, by these same scores, so that they "
        f"are somewhat too high; the next figure has every layer. {section.facts.get('statement') or ''}".strip(),
        "atlas-probe-layers": "The same at every layer; bold where the interval leaves out 0.",
        "maps": _maps(section),
        "atlas-top": "The frames in which each channel is largest, from natural states and scenes with a coin.",
    }


def _maps(section: Section) -> str:
    """What is drawn, and where the drawn coin channels change with the coin."""
    lines = ["Where the channels are active, with the coin (boxed) and without it. Examples; the numbers are:"]
    for row in section.table("top").records() if "top" in section.tables else ():
        place = section.under("place", row["hook"], str(row["channel"]))
        if place:
            across = _off(place["right"], "right", "left")
            down = _off(place["below"], "below", "above")
            lines.append(
                f"{row['hook']}, channel {row['channel']}: when a coin is put there, the middle of the change lies "
                f"{across} and {down} it; {number(place['around'], percent=True)} of the change is in "
                "the 3 x 3 cells around it."
            )
    return "\n".join(lines) if len(lines) > 1 else lines[0].replace("; the numbers are:", ".")


def _off(estimate: Estimate, positive: str, negative: str) -> str:
    """`3.4 pixels [2.9, 4.0] left of`: in the direction in which the value points."""
    way = positive
    if estimate.value < 0:
        way = negative
        estimate = replace(estimate, value=-estimate.value, low=-estimate.high, high=-estimate.low)
    return f"{number(estimate, 'pixels')} {way}{' of' if way in ('left', 'right') else ''}"


def _effects(section: Section, layer: dict) -> str:
    """What taking back the coin channels, and the direction, changes."""
    told = []
    for part, moved in (("channels", layer["channels_move"]), ("direction", layer["direction_moves"])):
        movement = section.get(f"use/{layer['hook']}/{part}/movement")
        if movement is None:
            continue
        jump = section[f"use/{layer['hook']}/{part}/jump"]
        count = layer["coin_channels"]
        what = "direction" if part == "direction" else f"{count} channel{'s' if count != 1 else ''}"
        size = f"movement {number(movement, 'nats', signed=True)}, jump {number(jump, 'nats', signed=True)}"
        told.append(f"{what}: {size}{f' (shown: {moved})' if moved else ''}")
    return f" Taken back, {'; '.join(told)}." if told else ""


def _use(section: Section) -> str:
    total = section["total/movement"]
    size = number(total, "nats", signed=True)
    words = {"above": "draws it to its side", "below": "pushes it from its side"}.get(
        reading(total), "has no clear pull"
    )
    return (
        f"The coin itself {words}: {size}. The dots are how much of that is lost when what a layer holds of the coin "
        "is taken back to what it is without one (all coin channels together, or the direction), on levels that chose "
        "nothing. Within the green band an effect would not matter; one counts as shown only beyond it, beyond as many "
        "random channels or directions, and beyond chance."
    )
