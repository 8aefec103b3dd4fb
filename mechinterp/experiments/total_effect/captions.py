"""What may be said of an effect: as strongly as its interval and its rank among random networks allow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from mechinterp.experiments.total_effect.result import Effect, Result, VariableEffects
from mechinterp.experiments.total_effect.specificity import Cause, as_much, what_moves
from mechinterp.policies.readouts import Readout, as_readout
from mechinterp.reporting.wording import listed, number, plain, reading

COIN_SIDE, MOVEMENT = "coin side", "movement"
ALPHA = 0.05
_NAMED = 3
"""Objects that a headline names, at most."""
Claim = Literal["above", "below", "equivalent", "small", "ordinary", "unclear"]


def claim(effect: Effect, margin: float | None) -> Claim:
    """What may be claimed.

    "equivalent": the whole interval lies within the margin. "above" and "below": the whole interval lies beyond it, on
    one side (beyond 0 where there is no margin), and p is below 0.05 both for a mean of 0 and for the rank among
    random networks. "ordinary": so, but for the rank. "small": the interval excludes 0, but not the margin. "unclear":
    none of these.
    """
    estimate = effect.effect
    found = reading(estimate, margin=margin)
    if found in ("equivalent", "unclear"):
        return found
    if margin is not None and estimate.low <= margin and estimate.high >= -margin:
        return "small"
    return found if effect.rank.p <= ALPHA else "ordinary"


NOUNS: dict[Cause, str] = {
    "coin": "the coin",
    "hue": "a coin of about its colour",
    "colour": "a yellow patch",
    "shape": "a coin-shaped patch",
    "colour or shape": "a coin-like patch",
    "object": "any object",
    "unknown": "the coin, or of any object in its place,",
}
"""What an effect of the coin's side is an effect of the side of."""


def headline(effect: Effect, result: Result) -> str:
    """The effect of the coin's side on movement: what moves it, which way, and by how much."""
    margin = result.margins.get(MOVEMENT)
    size = number(effect.effect, "nats", signed=True)
    match claim(effect, margin):
        case "above" | "below" as way:
            cause = what_moves(effect.effect, result.objects, MOVEMENT)
            toward = "toward" if way == "above" else "away from"
            it = "the coin" if cause == "coin" else "it"
            first = (
                f"The side of {NOUNS[cause]} affects movement: the preference shifts {toward} {it} ({size}), "
                f"more than in {_of_random(effect, result)} of the same sensitivity."
            )
            return " ".join([first, *_qualified(effect, result, cause)])
        case "equivalent":
            return f"The coin's side does not affect movement: equivalent to zero within {margin:g} nats ({size})."
        case "ordinary":
            return (
                f"The coin's side changes movement ({size}), but no more than it would in a random network: "
                f"{than_random(effect, result)}."
            )
        case "small":
            return f"The coin's side changes movement, by an amount not shown to exceed {margin:g} nats ({size})."
    return f"Whether the coin's side affects movement is unclear ({size})."


def other_claims(result: Result) -> str:
    """Every other effect of the coin on actions that may be claimed, the largest in SDs first; empty where none may.

    The headline asks one question. A policy that answers no to it may still respond to the coin elsewhere.
    """
    found = []
    for name, one in result.variables.items():
        for readout, effect in one.readouts.items():
            about = as_readout(readout)
            asked = one.role == "coin" and about.acts and (name, readout) != (COIN_SIDE, MOVEMENT)
            if asked and claim(effect, result.margins.get(readout)) in ("above", "below"):
                size = number(effect.effect, about.unit, signed=True)
                strength = abs(effect.effect.value) / (result.spreads.get(readout) or 1.0)
                found.append((strength, f"{name}, on {about.noun} ({size})"))
    if not found:
        return ""
    listing = [words for _, words in sorted(found, reverse=True)]
    more = f"; and {len(listing) - _NAMED} more" if len(listing) > _NAMED else ""
    return f"Effects of the coin that exceed those of random networks: {'; '.join(listing[:_NAMED])}{more}."


def _qualified(effect: Effect, result: Result, cause: Cause) -> Iterator[str]:
    """What a claim must be told with: objects that do as much, and strata in which the sign is another."""
    if cause not in ("coin", "unknown"):
        same = as_much(effect.effect, result.objects, MOVEMENT)
        more = f" and {len(same) - _NAMED} others" if len(same) > _NAMED else ""
        names = ", ".join(same[:_NAMED]) + more if more else listed(same)
        yield f"In the coin's place, as much was not ruled out for: {names}."
    if mixed_signs := mixed(result.variables[COIN_SIDE], MOVEMENT):
        yield f"Mixed: {mixed_signs}."


def mixed(one: VariableEffects, readout: str) -> str:
    """Strata in which the effect has different signs, each interval excluding 0; empty where there are none."""
    found = []
    for name, labels in one.strata.items():
        known = {label: stratum.effects[readout] for label, stratum in labels.items() if readout in stratum.effects}
        if any(e.low > 0 for e in known.values()) and any(e.high < 0 for e in known.values()):
            unit = as_readout(readout).unit
            clear = [f"{label} {number(e, unit, signed=True)}" for label, e in known.items() if e.excludes(0)]
            found.append(f"{name} {listed(clear)}")
    return "; ".join(found)


def by_stratum(one: VariableEffects, readout: str, fewest: int) -> list[str]:
    """Whether the sign is the same in all strata, and which have too few levels."""
    lines = []
    if words := mixed(one, readout):
        lines.append(f"Mixed: the sign differs between strata ({words}).")
    elif any(stratum.effects for labels in one.strata.values() for stratum in labels.values()):
        lines.append("No two strata have effects of clearly different signs.")
    few = [
        f"{name} {label} ({stratum.levels})"
        for name, labels in one.strata.items()
        for label, stratum in labels.items()
        if not stratum.effects
    ]
    if few:
        lines.append(f"Too few levels, of {fewest} that a stratum needs: {listed(few)}.")
    return lines


def in_its_place(effect: Effect, result: Result, readout: str) -> str:
    """What the effect of the coin's side is an effect of, in one sentence."""
    same = as_much(effect.effect, result.objects, readout)
    tail = f"Objects for which as much was not ruled out: {listed(same)}." if same else ""
    words = {
        "coin": "The coin's effect exceeds that of every other object in its place.",
        "hue": "The effect exceeds that of every other object in its place but coins of nearly its colour.",
        "colour": "The effect exceeds that of every object without the coin's colours, but not of all that have them.",
        "shape": "The effect exceeds that of every object without the coin's shape, but not of all that have it.",
        "colour or shape": "The effect exceeds that of objects with neither its colours nor its shape, but not of all "
        "with one of them.",
        "object": "The effect does not exceed that of every other object: nothing shows that it is the coin's.",
        "unknown": "Too few scenes had room for other objects to say what the effect is of.",
    }[what_moves(effect.effect, result.objects, readout)]
    return f"{words} {tail}".strip()


def sentence(name: str, readout: Readout, result: Result) -> str:
    """The effect of the variable of this name on one readout, in one sentence."""
    one = result.variables[name]
    effect, margin = one.readouts[readout.name], result.margins.get(readout.name)
    _, _, where = name.partition(", ")  # "coin side, mirrored level"
    change = f"{one.clean[:1].upper()}{one.clean[1:]} instead of {one.corrupted}{f' ({where})' if where else ''}"
    size = number(effect.effect, readout.unit, signed=True)
    if effect.effect.low == effect.effect.high == 0:
        return f"{change} changes nothing in any pair."
    beyond = f"{margin:g} {readout.unit}".strip() if margin is not None else ""
    match claim(effect, margin):
        case "equivalent":
            return f"{change}: equivalent to zero within {beyond} ({size})."
        case "small":
            return f"{change}: an effect, not shown to exceed {beyond} ({size})."
        case "ordinary":
            return f"{change}: no more than in random networks ({size}; larger than in {_of_random(effect, result)})."
        case "unclear":
            null = effect.effect.null
            p = f", p = {null.p:.2g}" if effect.effect.excludes(0) and null and null.p else ""
            return f"{change}: no clear effect ({size}{p})."
        case direction:
            verb = readout.lowers if direction == "below" else readout.raises
            return f"{change} {verb}: {size}, more than in {_of_random(effect, result)}."


def than_random(effect: Effect, result: Result) -> str:
    """`larger than in 48 of 100 random networks of the same sensitivity`."""
    return f"larger than in {_of_random(effect, result)} of the same sensitivity"


def _of_random(effect: Effect, result: Result) -> str:
    return f"{effect.rank.smaller} of {result.networks} random networks"


def in_sds(effect: Effect, spread: float) -> str:
    """`−0.10 SD`: the effect in standard deviations of the policy's own readout; empty where it never varies."""
    if not spread:
        return ""
    value = effect.effect.value / spread
    return f"{'+' if value > 0 else ''}{plain(value, 2)}\N{NO-BREAK SPACE}SD"
