"""6. Which of those channels carry it to the action?"""

from __future__ import annotations

from mechinterp.reports import schema
from mechinterp.reports.section import Section
from mechinterp.reports.wording import listed, number, reading


def sentences(section: Section) -> dict[str, str]:
    """What patching restores and takes away, chosen against random; what the whole change does comes first."""
    hooks = section.table("sets").column("hook")
    texts = {f"patching-{d}": " ".join([_total(section), *_effects(section, d, hooks)]) for d in schema.DIRECTIONS}
    shares = [
        f"{verb} {number(share, percent=True)}"
        for direction, verb in (("denoise", "restore"), ("noise", "take away"))
        if (share := section.get(f"{direction}/{hooks[-1]}/fraction")) is not None
    ]
    if shares:
        texts["patching-fractions"] = (
            f"The chosen channels of {hooks[-1]} {listed(shares)} of the effect that the change of the frame itself "
            "has."
        )
    elif any(name.endswith("/fraction") for d in schema.DIRECTIONS for name in section.under(d)):
        texts["patching-fractions"] = (
            "Shares of the effect of the change of the frame itself, where they could be formed."
        )
    return texts


def _total(section: Section) -> str:
    total = section["total"]
    clean, corrupted = (str(section.facts.get(side, f"{side} frame")) for side in ("clean", "corrupted"))
    size = number(total, "nats", signed=True)
    match reading(total):
        case "above":
            return f"{clean.capitalize()} instead of {corrupted} moves the choice toward the right by {size}."
        case "below":
            return f"{clean.capitalize()} instead of {corrupted} moves the choice toward the left: {size}."
        case _:
            return (
                f"{clean.capitalize()} instead of {corrupted} has no clear effect itself ({size}), so that there is "
                "little here for any channel to carry."
            )


def _effects(section: Section, direction: str, hooks: tuple[str, ...]) -> list[str]:
    differences = {hook: section[f"{direction}/{hook}/difference"] for hook in hooks}
    by_reading: dict[str, list[str]] = {}
    for hook, difference in differences.items():
        by_reading.setdefault(reading(difference), []).append(f"{hook} ({number(difference, 'nats', signed=True)})")
    verb = {"denoise": "restore", "noise": "take away"}[direction]
    parts = []
    if "above" in by_reading:
        parts.append(
            f"The chosen channels {verb} clearly more than as many random ones at {listed(by_reading['above'])}."
        )
    if "below" in by_reading:
        parts.append(f"They {verb} less than random ones at {listed(by_reading['below'])}.")
    if "unclear" in by_reading:
        start = (
            "No clear difference from random channels"
            if parts
            else "The chosen channels do not clearly differ from random ones"
        )
        parts.append(f"{start} at {listed(by_reading['unclear'])}.")
    return parts
