"""Where is the coin?"""

from __future__ import annotations

from mechinterp.reports.section import Section
from mechinterp.reports.wording import listed, number, reading


def headline(section: Section) -> str:
    """The answer in one line."""
    verdicts = section.table("layers").column("verdict")
    if section.facts["represented"]:
        start = "It represents the coin, in channels that untrained networks do not have"
        if "used" in verdicts:
            return f"{start}, and its actions hang on them."
        if section.facts["used"]:
            return f"{start}. Its actions hang on coin directions, not demonstrably on these channels."
        if "unclear" in verdicts:
            return f"{start}. Whether any action hangs on them is unclear."
        return f"{start}, but no action hangs on them: decodable but not connected."
    if section.facts["used"]:
        return "No single channel is a coin channel, but a direction beyond chance holds the coin and moves the action."
    if "spread, unclear" in verdicts:
        return "No channel is a coin channel. A direction beyond chance holds the coin; its use is unclear."
    if "spread, not connected" in verdicts:
        return "No channel is a coin channel. A direction beyond chance holds the coin, but no action hangs on it."
    return "No channel and no direction holds the coin better than untrained networks do by chance."


def sentences(section: Section) -> dict[str, str]:
    """One text for each figure."""
    layers = section.table("layers").records()
    lines = [headline(section)]
    for layer in layers:
        lines.append(f"{layer['hook']}: {layer['words']}.{_effects(section, layer)}")
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
            right, below = (number(place[side], "pixels", signed=True) for side in ("right", "below"))
            lines.append(
                f"{row['hook']}, channel {row['channel']}: when a coin is put there, the middle of the change lies "
                f"{right} right of it and {below} below; {number(place['around'], percent=True)} of the change is in "
                "the 3 x 3 cells around it."
            )
    return "\n".join(lines) if len(lines) > 1 else lines[0].replace("; the numbers are:", ".")


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
