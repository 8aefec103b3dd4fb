"""Where is the coin?"""

from __future__ import annotations

from mechinterp.reports.section import Section
from mechinterp.reports.wording import listed, number, reading


def headline(section: Section) -> str:
    """The answer in one line."""
    represented, used = section.facts["represented"], section.facts["used"]
    if represented and used:
        return "It represents the coin, in channels that untrained networks do not have, and its actions hang on them."
    if represented:
        return "It represents the coin, but no action hangs on that: decodable but not connected."
    if used:
        return "No single channel is a coin channel, but a direction beyond chance holds the coin and moves the action."
    if "spread, not connected" in section.table("layers").column("verdict"):
        return "No channel is a coin channel. A direction beyond chance holds the coin, but no action hangs on it."
    return "No channel and no direction holds the coin better than untrained networks do by chance."


def sentences(section: Section) -> dict[str, str]:
    """One text for each figure."""
    layers = section.table("layers").records()
    lines = [headline(section)]
    by_words: dict[str, list[str]] = {}
    for layer in layers:
        by_words.setdefault(layer["words"], []).append(layer["hook"])
    lines += [f"{listed(hooks)}: {words}." for words, hooks in by_words.items()]
    dead = [f"{layer['hook']} ({layer['dead']} of {layer['channels']})" for layer in layers if layer["dead"]]
    if dead:
        lines.append(f"Channels that never change in any scene: {listed(dead)}.")
    lines.append(
        f"A real coin and its picture differ in {section.facts.get('decoy_difference', 0)} of 255 levels of any pixel: "
        "the network cannot tell them apart."
    )
    count = sum(layer["coin_channels"] for layer in layers)
    networks = section.facts["untrained_networks"]
    return {
        "atlas-decode": "\n".join(lines),
        "atlas-cloud": f"{count or 'No'} channel{'s' if count != 1 else ''} confirmed on levels that did not choose. "
        f"Grey: channels of {networks} untrained networks. Right: rises with the coin; up: tells it from everything "
        "else in its place as well.",
        "atlas-use": _use(section),
        "atlas-probes": "Score of a linear probe minus that of the better baseline (pixels, untrained networks), on "
        f"levels that it was not fitted on. {section.facts.get('statement') or ''}".strip(),
        "atlas-shares": "Share of the attribution of the movement log-odds to pixels (integrated gradients, absolute "
        "values), beside the share of the frame that the thing fills.",
        "maps": "Where the channels are active, with the coin (boxed) and without it. Examples; the figures above hold "
        "the evidence.",
        "atlas-top": "The frames in which each channel is largest, from natural states and scenes with a coin.",
    }


def _use(section: Section) -> str:
    total = section["total/movement"]
    size = number(total, "nats", signed=True)
    words = {"above": "draws it to its side", "below": "pushes it from its side"}.get(
        reading(total), "has no clear pull"
    )
    return (
        f"The coin itself {words}: {size}. The dots are how much of that is lost when what a layer holds of the coin "
        "is taken back to what it is without one, on levels that chose nothing."
    )
