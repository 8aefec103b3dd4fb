"""4. How much does the coin move its actions?"""

from __future__ import annotations

from mechinterp.reporting.wording import listed, number, reading
from mechinterp.reports import schema
from mechinterp.reports.section import Section
from mechinterp.stats import Estimate

_UNIT = {"movement": "nats", "jump": "nats", "value": ""}
_MOVES = {
    "movement": ("moves it toward the right", "moves it toward the left"),
    "jump": ("makes it more inclined to jump", "makes it less inclined to jump"),
    "value": ("raises what it expects to earn", "lowers what it expects to earn"),
}


def sentences(section: Section) -> dict[str, str]:
    """For each readout: the coin's effects, then what they are to be compared with."""
    texts = {}
    for readout in schema.READOUTS:
        found = [r for r in section.table("variables").records() if f"effect/{r['variable']}/{readout}" in section]
        if found:
            texts[f"drive-{readout}"] = "\n".join(part for part in _parts(section, readout, found) if part)
    return texts


def effect(estimate: Estimate, row: dict, readout: str, *, margin: float | None) -> str:
    """One sentence on one change of the world."""
    change = f"{row['clean']} instead of {row['corrupted']}"
    size = number(estimate, _UNIT[readout], signed=True)
    if estimate.low == estimate.high == 0:
        return f"{_first(change)} changes nothing at all in any pair."
    match reading(estimate, margin=margin):
        case "equivalent":
            unit = f" {_UNIT[readout]}".rstrip()
            return f"{_first(change)}: no effect to speak of ({size}, all within {margin:g}{unit} either way)."
        case "unclear":
            p = f", p = {estimate.null.p:.2g}" if estimate.excludes(0) and estimate.null and estimate.null.p else ""
            return f"{_first(change)}: no clear effect ({size}{p})."
        case direction:
            return f"{_first(change)} {_MOVES[readout][direction == 'below']}: {size}."


def _parts(section: Section, readout: str, found: list[dict]) -> list[str]:
    margin = section.facts.get(f"margin_{readout}")
    parts = []
    for role in ("coin", "control"):
        for row in found:
            if row["role"] == role:
                estimate = section[f"effect/{row['variable']}/{readout}"]
                parts.append(effect(estimate, row, readout, margin=margin))  # pyright: ignore[reportArgumentType]
    known = [row["variable"] for row in found if row["role"] == "ceiling"]
    ceilings = [f"{v} {number(section[f'effect/{v}/{readout}'], _UNIT[readout], signed=True)}" for v in known]
    if ceilings:
        parts.append(f"For scale: {listed(ceilings)}.")
    return [*parts, _untrained(section, readout, found)]


def _untrained(section: Section, readout: str, found: list[dict]) -> str:
    known = [
        (row["variable"], e)
        for row in found
        if row["role"] == "coin" and (e := section.get(f"untrained/{row['variable']}/{readout}")) is not None
    ]
    if not known:
        return ""
    variable, largest = max(known, key=lambda item: abs(item[1].value))
    size = number(largest, _UNIT[readout], signed=True)
    return f"With random weights in the network the coin does at most {size} ({variable})."


def _first(text: str) -> str:
    return text[:1].upper() + text[1:]
