"""What may be said of the preference for right and of the direction that steers it."""

from __future__ import annotations

from mechinterp.experiments.action_tendency.result import Result, Steering
from mechinterp.reporting.wording import listed, number, plain, reading, share, stands_out
from mechinterp.stats import Estimate

ALWAYS = 0.9
"""A direction is said to work on every frame if it works both ways in more than this share of them."""


def parts(result: Result) -> str:
    """What does not depend on the frame, what the input decides, and which units contribute."""
    text = (
        f"{_preference(result.mean)}; the standard deviation over frames is "
        f"{number(result.standard_deviation, 'nats')}, so {share(result.constant_share)} of the mean square does not "
        f"depend on the frame. On a black frame the log-odds are {plain(result.black_frame, 2)} nats. Right is "
        f"likelier than left in {number(result.prefers_right, percent=True)} of frames."
    )
    if result.top_units:
        largest = [f"{unit} ({number(e, 'nats', signed=True)})" for unit, e in list(result.top_units.items())[:3]]
        text += (
            f" {result.units_needed} of the {result.units} units of {result.hook} cover 80 % of the absolute mean "
            f"contributions; the largest: {listed(largest)}."
        )
    return text


def _preference(mean: Estimate) -> str:
    match reading(mean):
        case "above":
            return f"On average right is preferred to left by {number(mean, 'nats')}"
        case "below":
            return f"On average left is preferred to right: the mean log-odds are {number(mean, 'nats')}"
        case _:
            return f"On average neither side is clearly preferred: the mean log-odds are {number(mean, 'nats')}"


def steering(result: Result) -> str:
    """What the vector of the last layer does, and whether a random direction does the same."""
    hook, last = list(result.steering.items())[-1]
    if last.consistent.low > ALWAYS:
        how = f", clearly more than {share(ALWAYS)}"
    elif last.consistent.high < ALWAYS:
        how = f", clearly less than {share(ALWAYS)}: it does not work on every frame"
    else:
        how = f"; whether that is more than {share(ALWAYS)} is unclear"
    return (
        f'At {hook} the steering vector "right" changes the log-odds by {number(last.added, "nats", signed=True)} when '
        f"added and by {number(last.subtracted, 'nats', signed=True)} when subtracted. Adding raises them and "
        f"subtracting lowers them in {number(last.consistent, percent=True)} of held-out frames{how}."
        f"{_specific(last)}"
    )


def _specific(own: Steering) -> str:
    """What random directions of the same norm do."""
    if own.added.null is None or own.consistent.null is None:
        return ""
    span = _range(own.added)
    if not stands_out(own.added):
        return f" Adding a random direction of the same norm can change them as much ({span}, grey)."
    size = f" Adding a random direction of the same norm changes them less ({span}, grey)"
    most = share(own.consistent.null.high)
    if own.consistent.null.high >= own.consistent.low:
        return f"{size}, but some work both ways in as many frames (up to {most})."
    return f"{size}, and works both ways in {most} of frames at most."


def _range(estimate: Estimate) -> str:
    assert estimate.null is not None
    return f"{plain(estimate.null.low, 2)} to {plain(estimate.null.high, 2)} nats"
