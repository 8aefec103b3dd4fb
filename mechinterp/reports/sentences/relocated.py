"""3. What does it do when the coin is elsewhere?"""

from __future__ import annotations

from mechinterp.reporting.wording import number
from mechinterp.reports import schema
from mechinterp.reports.section import Section
from mechinterp.stats import Estimate

_WHERE = {
    "stock": "With the coin where it always was",
    "random": "With the coin at a random place",
    "absent": "With no coin",
    "decoy": "With only a picture of a coin",
    "left of agent": "With the coin to the left of the start",
}


def sentences(section: Section) -> dict[str, str]:
    """Which of coin and end it reaches, and which of the two is clearly more frequent."""
    return {
        "outcomes": "\n".join(_sentence(section, p) for p in schema.PLACEMENTS if section.under("outcome", p))
    }  # fmt: skip


def apart(a: Estimate, b: Estimate) -> int:
    """1 where the whole interval of `a` is above that of `b`, -1 where it is below, 0 where they overlap.

    Two intervals of 95 % that do not overlap differ at a level well below 5 %; those that overlap may still differ.
    """
    return int(a.low > b.high) - int(a.high < b.low)


def _sentence(section: Section, placement: str) -> str:
    outcomes = section.under("outcome", placement)
    coin, end = outcomes.get("coin"), outcomes.get("end")
    if coin is None:
        return (
            f"{_WHERE[placement]}, it still reaches the right end in {number(end, percent=True)} of levels."
            if end
            else ""
        )
    text = f"{_WHERE[placement]}, it takes it in {number(coin, percent=True)} of levels"
    if placement == "stock":
        return f"{text}."
    if end is not None:
        text += f" and reaches the right end without it in {number(end, percent=True)}"
        text += {1: ": the coin more often", -1: ": the end more often", 0: ", neither clearly more often"}[
            apart(coin, end)
        ]
    return f"{text}.{_reference(section, placement, coin)}"


def _reference(section: Section, placement: str, coin: Estimate) -> str:
    found = {a: e for a in schema.ACTORS if (e := section.get(f"reference/{a}/{placement}/coin")) is not None}
    if not found:
        return ""
    actor, other = max(found.items(), key=lambda item: item[1].value)
    words = {1: "clearly less than that", -1: "clearly more than that", 0: "not clearly different"}[apart(coin, other)]
    return f" {actor.capitalize()}, which never looks, takes it in {number(other, percent=True)}: {words}."
