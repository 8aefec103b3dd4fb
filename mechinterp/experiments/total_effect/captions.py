"""What may be said of an effect: as strongly as its interval and its rank among random networks allow."""

from __future__ import annotations

from typing import Literal

from mechinterp.experiments.total_effect.result import Effect, Result, VariableEffects
from mechinterp.policies.readouts import Readout
from mechinterp.reporting.wording import number, plain, reading

COIN_SIDE, MOVEMENT = "coin side", "movement"
ALPHA = 0.05
Claim = Literal["above", "below", "equivalent", "small", "ordinary", "unclear"]


def claim(effect: Effect, margin: float | None) -> Claim:
    """What may be claimed.

    "equivalent": the whole interval lies within the margin. "above" and "below": the whole interval lies beyond it, on
    one side (beyond 0 where there is no margin), and p is below 0.05 both for flipped signs and for the rank among
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


def headline(effect: Effect, result: Result) -> str:
    """The effect of the coin's side on movement, in one sentence."""
    margin = result.margins.get(MOVEMENT)
    size = number(effect.effect, "nats", signed=True)
    match claim(effect, margin):
        case "above" | "below" as way:
            toward = "toward" if way == "above" else "away from"
            return (
                f"The coin's side affects movement: the preference shifts {toward} the coin ({size}), "
                f"{more_than(effect, result)}."
            )
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


def sentence(one: VariableEffects, readout: Readout, result: Result) -> str:
    """The effect of one variable on one readout, in one sentence."""
    effect, margin = one.readouts[readout.name], result.margins.get(readout.name)
    change = f"{one.clean[:1].upper()}{one.clean[1:]} instead of {one.corrupted}"
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
            return f"{change}: no more than in random networks ({size}; {than_random(effect, result)})."
        case "unclear":
            null = effect.effect.null
            p = f", p = {null.p:.2g}" if effect.effect.excludes(0) and null and null.p else ""
            return f"{change}: no clear effect ({size}{p})."
        case direction:
            verb = readout.lowers if direction == "below" else readout.raises
            return f"{change} {verb}: {size}, {more_than(effect, result)}."


def more_than(effect: Effect, result: Result) -> str:
    """`more than in 97 of 100 random networks of the same sensitivity`."""
    return f"more than in {than_random(effect, result).removeprefix('larger than in ')}"


def than_random(effect: Effect, result: Result) -> str:
    """`larger than in 48 of 100 random networks of the same sensitivity`."""
    return f"larger than in {effect.rank.smaller} of {result.networks} random networks of the same sensitivity"


def in_sds(effect: Effect, spread: float) -> str:
    """`−0.10 SD`: the effect in standard deviations of the policy's own readout; empty where it never varies."""
    if not spread:
        return ""
    value = effect.effect.value / spread
    return f"{'+' if value > 0 else ''}{plain(value, 2)}\N{NO-BREAK SPACE}SD"
