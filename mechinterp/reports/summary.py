"""The top of the page: one sentence that answers the question, and the few numbers that matter most."""

from __future__ import annotations

from dataclasses import dataclass

from mechinterp.reporting.wording import count, number, reading, short, stands_out
from mechinterp.reports.results import Results
from mechinterp.reports.section import Section
from mechinterp.reports.sentences.relocated import apart
from mechinterp.stats import Estimate

COIN_SIDE = "coin side"


@dataclass(frozen=True)
class Key:
    """A key number: what it is, its value, and its interval with whatever it is to be compared with."""

    label: str
    value: str
    beside: str
    section: str


def headlines(results: Results) -> list[str]:
    """Does the coin move its actions, and where does it go? As strongly as the intervals allow, and no more."""
    relocated = results.sections.get("relocated")
    return [_moved(results), *([] if relocated is None else _went(relocated))]


def _went(section: Section) -> list[str]:
    coin, end = (section.get(f"outcome/left of agent/{outcome}") for outcome in ("coin", "end"))
    if coin is None or end is None:
        return []
    taken, passed = number(coin, percent=True), number(end, percent=True)
    match apart(coin, end):
        case 1:
            ending = f"it goes back for it more often than it runs to the right end: {taken} of levels against {passed}"
        case -1:
            ending = f"it runs to the right end without it in {passed} of levels and takes it in {taken}"
        case _:
            ending = (
                f"it takes it in {taken} of levels and runs to the right end in {passed}: neither clearly more often"
            )
    return [f"With the coin to the left of the start, {ending}."]


def _moved(results: Results) -> str:
    drive = results.sections.get("drive")
    estimate = drive.get(f"effect/{COIN_SIDE}/movement") if drive is not None else None
    if drive is None or estimate is None:
        return "Whether the coin moves this policy's actions was not measured."
    margin = drive.facts.get("margin_movement")
    size = number(estimate, "nats", signed=True)
    match reading(estimate, margin=margin):  # pyright: ignore[reportArgumentType]
        case "above":
            return f"The coin moves this policy's actions: toward the side on which it lies, by {size}."
        case "below":
            return f"The coin moves this policy's actions, but away from the side on which it lies: {size}."
        case "equivalent":
            return f"The side on which the coin lies does not move this policy's actions to speak of: {size}."
    return f"It is not clear whether the side on which the coin lies moves this policy's actions: {size}."


def key_numbers(results: Results) -> list[Key]:
    """Those of the key numbers that were measured."""
    makers = {
        "maximises": _returns, "relocated": _elsewhere, "drive": _drive, "contrast": _contrast, "patching": _patching,
    }  # fmt: skip
    return [key for name, make in makers.items() if name in results.sections for key in make(results.sections[name])]


def _returns(section: Section) -> list[Key]:
    own, best = section["return/policy"], section.facts["best"]
    paired = section.get("difference/always right + jump")
    beside = f"{_interval(own)} of {best:g}"
    if paired is not None:
        beside += f"; against always right + jump {number(paired, signed=True)}"
    return [Key("return on unseen levels", short(own), beside, section.name)]


def _elsewhere(section: Section) -> list[Key]:
    keys = []
    for placement, label in (
        ("random", "takes a coin at a random place"),
        ("left of agent", "takes a coin to the left of the start"),
    ):
        coin, end = section.get(f"outcome/{placement}/coin"), section.get(f"outcome/{placement}/end")
        if coin is not None:
            beside = _interval(coin, percent=True)
            if end is not None:
                beside += f"; the end instead {number(end, percent=True)}"
            keys.append(Key(label, short(coin, percent=True), beside, section.name))
    return keys


def _drive(section: Section) -> list[Key]:
    estimate = section.get(f"effect/{COIN_SIDE}/movement")
    if estimate is None:
        return []
    beside = f"{_interval(estimate)}, {count(estimate)}"
    ceilings = [r["variable"] for r in section.table("variables").records() if r["role"] == "ceiling"]
    if ceilings:
        beside += f"; {ceilings[0]} {short(section[f'effect/{ceilings[0]}/movement'], 'nats', signed=True)}"
    row = next(r for r in section.table("variables").records() if r["variable"] == COIN_SIDE)
    return [
        Key(f"{row['clean']} against {row['corrupted']}", short(estimate, "nats", signed=True), beside, section.name)
    ]


def _contrast(section: Section) -> list[Key]:
    rows = section.table("top").records()
    if not rows:
        return []
    hook, channel = rows[0]["hook"], rows[0]["channel"]
    estimate = section[f"channel/{hook}/{channel}"]
    words = "beyond" if stands_out(estimate) else "not clear of"
    beside = f"{_interval(estimate)} {section.facts['unit']}; {words} the range of untrained networks"
    return [Key(f"response to the coin, {hook} channel {channel}", short(estimate, signed=True), beside, section.name)]


def _patching(section: Section) -> list[Key]:
    """The share at the first hook point, and beside it those of all later ones: none is picked by its result."""
    hooks = section.table("sets").column("hook")
    shares = {hook: section.get(f"denoise/{hook}/fraction") for hook in hooks}
    known = {hook: share for hook, share in shares.items() if share is not None}
    if not known:
        total = section["total"]
        return [Key("effect to be restored", short(total, "nats", signed=True), _interval(total), section.name)]
    first, *later = known
    beside = _interval(known[first], percent=True)
    if later:
        beside += "; " + ", ".join(f"{short(known[hook], percent=True)} at {hook}" for hook in later)
    label = f"of the coin's effect restored by chosen channels of {first}"
    return [Key(label, short(known[first], percent=True), beside, section.name)]


def _interval(estimate: Estimate, *, percent: bool = False) -> str:
    return "[" + number(estimate, percent=percent).rpartition(" [")[2]
