"""6. Which of those channels carry it to the action?"""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from mechinterp.reporting.wording import listed, number, reading
from mechinterp.reports import schema
from mechinterp.reports.section import Section
from mechinterp.stats import Estimate, Null


def sentences(section: Section) -> dict[str, str]:
    """What patching restores and takes away, chosen against random; what the whole change does comes first."""
    hooks = section.table("sets").column("hook")
    texts = {f"patching-{d}": " ".join([_total(section), *_effects(section, d, hooks)]) for d in schema.DIRECTIONS}
    parts = []
    for direction, verb in (("denoise", "restored"), ("noise", "lost without them")):
        shares = {hook: section.get(f"{direction}/{hook}/fraction") for hook in hooks}
        told = [f"{number(share, percent=True)} at {hook}" for hook, share in shares.items() if share is not None]
        if told:
            parts.append(f"{verb}: {listed(told)}")
    if parts:
        texts["patching-fractions"] = (
            f"Of the effect that the change of the frame itself has, by the chosen channels {'; '.join(parts)}."
        )
    return texts


def toward_effect(section: Section, difference: Estimate) -> Estimate:
    """A difference of effects in the direction of the whole change: positive where the chosen do more of it."""
    if section["total"].value >= 0:
        return difference
    null = difference.null and _mirrored(difference.null)
    return dataclasses.replace(_mirrored(difference), null=null)


Signed = TypeVar("Signed", Estimate, Null)


def _mirrored(number: Signed) -> Signed:
    return dataclasses.replace(number, value=-number.value, low=-number.high, high=-number.low)


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
    if reading(section["total"]) == "unclear":
        return []
    differences = {hook: toward_effect(section, section[f"{direction}/{hook}/difference"]) for hook in hooks}
    by_reading: dict[str, list[str]] = {}
    for hook, difference in differences.items():
        by_reading.setdefault(reading(difference), []).append(f"{hook} ({number(difference, 'nats', signed=True)})")
    verb = {"denoise": "restore", "noise": "take away"}[direction]
    parts = ["Differences from random ones are counted in the direction of that effect."]
    if "above" in by_reading:
        parts.append(
            f"The chosen channels {verb} clearly more than as many random ones at {listed(by_reading['above'])}."
        )
    if "below" in by_reading:
        parts.append(f"They {verb} less than random ones at {listed(by_reading['below'])}.")
    if "unclear" in by_reading:
        start = (
            "No clear difference from random channels"
            if len(parts) > 1
            else "The chosen channels do not clearly differ from random ones"
        )
        parts.append(f"{start} at {listed(by_reading['unclear'])}.")
    return parts
