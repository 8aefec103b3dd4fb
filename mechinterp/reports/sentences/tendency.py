"""Is there a tendency to go right?"""

from __future__ import annotations

from mechinterp.reporting.wording import listed, number, plain, stands_out
from mechinterp.reports.section import Section
from mechinterp.stats import Estimate

_ALWAYS = 0.9
"""In so many frames, at least, a direction must work both ways to be called right whatever is seen."""


def sentences(section: Section) -> dict[str, str]:
    """What is constant, what the input decides, and whether a direction means right."""
    mean, spread = number(section["tendency/mean"], "nats", signed=True), number(section["tendency/spread"], "nats")
    share = float(section.facts["constant_share"] or 0)  # pyright: ignore[reportArgumentType]
    black = float(section.facts["black"] or 0)  # pyright: ignore[reportArgumentType]
    text = (
        f"On average it prefers right to left by {mean}; from frame to frame that varies with a standard deviation of "
        f"{spread}. {share:.0%} of the mean square is constant. On a black frame it is {plain(black, 2)} nats; right "
        f"is likelier in {number(section['tendency/right'], percent=True)} of frames."
    )
    units = section.under("tendency", "unit")
    if units:
        best = [f"{unit} ({number(e, 'nats', signed=True)})" for unit, e in list(units.items())[:3]]
        text += (
            f" Of the {section.facts['units']} units of {section.facts['hook']}, {section.facts['units_for_most']} "
            f"bring 80 % of what units bring on average, most {listed(best)}."
        )
    texts = {"tendency-parts": text}
    hooks = section.table("layers").column("hook")
    if hooks:
        last = hooks[-1]
        added, both = section[f"steer/{last}/added"], section[f"steer/{last}/both ways"]
        how = (
            f"in more than {_ALWAYS:.0%} of all frames, whatever is seen"
            if both.low > _ALWAYS
            else f"not in {_ALWAYS:.0%} or more"
            if both.high < _ALWAYS
            else f"whether in more than {_ALWAYS:.0%} is unclear"
        )
        texts["tendency-steer"] = (
            f"At {last} the difference between states where it goes right and left, added, changes the log-odds by "
            f"{number(added, 'nats', signed=True)}; adding it raises them and taking it away lowers them in "
            f"{number(both, percent=True)} of held-out frames: {how}.{_specific(added, both)}"
        )
    return texts


def _specific(added: Estimate, both: Estimate) -> str:
    """What random directions of the same length do."""
    if added.null is None or both.null is None:
        return ""
    usual = (
        "a random direction of the same length can do that, too; what is its own is"
        if both.null.high >= both.low
        else (f"random directions of the same length do so in up to {both.null.high:.0%}; its own is also")
    )
    if not stands_out(added):
        return f" Not shown to be more than with random directions of the same length ({_range(added)}), grey."
    return f" Grey: {usual} the size ({_range(added)} for random ones)."


def _range(estimate: Estimate) -> str:
    null = estimate.null
    return "" if null is None else f"{plain(null.low, 2)} to {plain(null.high, 2)} nats"
