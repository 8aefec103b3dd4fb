"""What may be said of patched channels: restored and removed, chosen against random."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from mechinterp.experiments.channel_patching.result import Direction, Patched, Result
from mechinterp.experiments.inputs.ranks import against_random, exceeds_random
from mechinterp.reporting.wording import listed, number, reading
from mechinterp.stats import Estimate, Null

_VERBS = {"denoise": "restore", "noise": "remove"}
_SHARES: dict[Direction, str] = {"denoise": "restored (denoising)", "noise": "removed (noising)"}
Signed = TypeVar("Signed", Estimate, Null)


def patched(result: Result, direction: Direction) -> dict[str, Patched]:
    """By hook point, what patching in one direction does."""
    return {hook: getattr(site, direction) for hook, site in result.sites.items()}


def effects(result: Result, direction: Direction) -> str:
    """The total effect, and whether the chosen channels carry more of it than random ones."""
    parts = [_total(result)]
    if reading(result.total) != "unclear":
        parts += [against_random(result.random_p), *_compared(result, direction)]
    return " ".join(filter(None, parts))


def claimed(result: Result, direction: Direction) -> tuple[str, ...]:
    """Hook points whose chosen channels carry more than random ones, of an effect that random networks do not have."""
    if reading(result.total) == "unclear" or not exceeds_random(result.random_p):
        return ()
    return more_than_random(result, direction)


def more_than_random(result: Result, direction: Direction) -> tuple[str, ...]:
    """Hook points whose chosen channels carry more of the total effect than random ones, whatever that effect is."""
    return tuple(
        hook
        for hook, one in patched(result, direction).items()
        if one.difference is not None and reading(toward_effect(result.total, one.difference)) == "above"
    )


def shares(result: Result) -> str:
    """The share of the total effect that the chosen channels restore and remove."""
    parts = []
    for direction, verb in _SHARES.items():
        told = [
            f"{number(one.share, percent=True)} at {hook}"
            for hook, one in patched(result, direction).items()
            if one.share is not None
        ]
        if told:
            parts.append(f"{verb}: {listed(told)}")
    return f"Share of the total effect by the chosen channels, {'; '.join(parts)}."


def toward_effect(total: Estimate, difference: Estimate) -> Estimate:
    """A difference signed by the total effect: positive where the chosen channels carry more of it."""
    if total.value >= 0:
        return difference
    return dataclasses.replace(_mirrored(difference), null=difference.null and _mirrored(difference.null))


def _mirrored(number: Signed) -> Signed:
    return dataclasses.replace(number, value=-number.value, low=-number.high, high=-number.low)


def _total(result: Result) -> str:
    size = number(result.total, "nats", signed=True)
    change = f"{result.clean[:1].upper()}{result.clean[1:]} instead of {result.corrupted}"
    match reading(result.total):
        case "above":
            return f"{change} moves the policy toward the right: {size}."
        case "below":
            return f"{change} moves the policy toward the left: {size}."
        case _:
            return f"{change} has no clear effect ({size}). There is little for any channel to carry."


def _compared(result: Result, direction: Direction) -> list[str]:
    more, rest, clear = [], [], more_than_random(result, direction)
    for hook, one in patched(result, direction).items():
        if one.difference is None:
            continue
        difference = toward_effect(result.total, one.difference)
        assert difference.null is not None
        assert difference.null.p is not None
        size = f"{number(difference, 'nats', signed=True)}, p = {difference.null.p:.2g} among {one.sets} sets"
        (more if hook in clear else rest).append(f"{hook} ({size})")
    verb, parts = _VERBS[direction], []
    if more:
        parts.append(f"The chosen channels {verb} more of it than random channels at {listed(more)}.")
    if rest:
        parts.append(f"Not clearly more than random channels at {listed(rest)}.")
    return [*parts, "Differences are chosen minus the mean of random sets, in the direction of the total effect."]
