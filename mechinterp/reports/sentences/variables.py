"""What do the channels answer to?"""

from __future__ import annotations

from mechinterp.reports.section import Section


def sentences(section: Section) -> dict[str, str]:
    """How the counts were made, and that a picture of a coin is the same as a coin."""
    facts = section.facts
    most, count = float(facts["picture_difference"] or 0), facts.get("pictures", 0)  # pyright: ignore
    same = (
        f"A real coin and its picture give exactly the same activations at all hook points ({count} pairs)."
        if most == 0
        else f"A real coin and its picture differ by up to {most:.3g} in some activation ({count} pairs): a fault."
    )
    return {
        "variables": "Channels that tell the two scenes apart, and better than channels of the layer do in untrained "
        "networks; in brackets, those that tell them apart at all (against labels exchanged within the pairs); of "
        "those that are not silent. False discovery rate 5 %, held-out levels. Things are read at their place, the "
        "coin's side at the agent's. Under the pointer: the strongest. "
        f"{same} {facts.get('statement') or ''}".strip()
    }
