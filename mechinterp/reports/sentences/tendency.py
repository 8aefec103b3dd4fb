"""Is there a tendency to go right?"""

from __future__ import annotations

from mechinterp.reports.section import Section
from mechinterp.reports.wording import listed, number, plain


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
        best = max(hooks, key=lambda hook: section[f"steer/{hook}/both ways"].value)
        both = section[f"steer/{best}/both ways"]
        how = (
            "whatever is seen"
            if both.low > 0.95
            else "in most frames, not whatever is seen"
            if both.low > 0.5
            else ("in no clear majority of frames")
        )
        usual = "" if both.null is None else f" (random directions: up to {both.null.high:.0%})"
        texts["tendency-steer"] = (
            f"At {best} the difference between states where it goes right and left works both ways in "
            f"{number(both, percent=True)} of held-out frames{usual}: {how}. Grey: random directions "
            "of the same length."
        )
    return texts
