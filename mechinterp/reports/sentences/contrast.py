"""5. Where is the coin seen?"""

from __future__ import annotations

from mechinterp.reporting.wording import number, plain, stands_out
from mechinterp.reports.schema import SHOWN
from mechinterp.reports.section import Section


def sentences(section: Section) -> dict[str, str]:
    """How many channels stand out, and how strongly those do that were chosen on other levels."""
    channels = section.under("channel")
    beyond = sum(stands_out(estimate) for estimate in channels.values())
    half = len(channels) * 0.05
    text = (
        f"{beyond or 'None'} of {len(channels)} channels {'has' if beyond in (0, 1) else 'have'} an interval wholly "
        "beyond the range of the same layer in untrained networks"
    )
    text += f" (if they were like untrained ones, up to about {half:.0f} would)." if half >= 1 else "."
    texts = {"channels": text}
    chosen = [f"{row['hook']}/{row['channel']}" for row in section.table("top").records()]
    if chosen:
        texts["channels"] += " " + _best(section, chosen)
        texts["top-channels"] = _top(section, chosen)
    if any(f"map/{name}" in section.arrays for name in chosen):
        texts["maps"] = (
            "Blue: where a channel is active, on one scale for all frames of the channel (orange: negative). The red "
            "box is the coin's place, with the coin and without it. These are examples; the figures above hold the "
            "evidence."
        )
    return texts


def _best(section: Section, chosen: list[str]) -> str:
    name = chosen[0]
    estimate = section[f"channel/{name}"]
    hook, channel = name.rsplit("/", 1)
    size = number(estimate, str(section.facts["unit"]), signed=True)
    null = estimate.null
    band = f"untrained networks: {plain(null.low, 2)} to {plain(null.high, 2)}" if null else ""
    words = "stands out" if stands_out(estimate) else "does not stand out"
    return f"The first choice, channel {channel} of {hook}, {words} on held-out levels: {size} ({band})."


def _top(section: Section, chosen: list[str]) -> str:
    clear = [name for name in chosen if stands_out(section[f"channel/{name}"])]
    many = f"{len(clear)} of the {len(chosen)} channels that were chosen on other levels"
    text = f"{many} {'stands' if len(clear) == 1 else 'stand'} out from untrained networks here."
    if not clear:
        text = f"None of the {len(chosen)} channels chosen on other levels stands out from untrained networks here."
    if len(chosen) > SHOWN:
        text += f" The first {SHOWN} are drawn."
    area = section.get(f"auroc/{chosen[0]}")
    if area is not None:
        clause = (
            "better than chance" if area.low > 0.5 else "worse than chance" if area.high < 0.5 else "no clear skill"
        )
        text += f" The first alone tells a frame with the coin from one without it with AUROC {number(area)}: {clause}."
    return text
