"""What is it that moves the policy: the coin, a patch of its colour or shape, or any object?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from mechinterp.experiments.total_effect.result import ObjectEffect
from mechinterp.stats import Estimate

Cause = Literal["coin", "hue", "colour", "shape", "colour or shape", "object", "unknown"]
ALPHA = 0.05
COLOURED = ("shuffled coin", "coin-coloured square")
"""Objects that keep the coin's colours, but not its shape."""
NEARLY = ("greenish coin",)
"""Recoloured coins of nearly the coin's colour: a yellow-green, which a detector of yellow cannot but see."""


def what_moves(effect: Estimate, objects: Mapping[str, ObjectEffect], readout: str) -> Cause:
    """What the coin's effect is an effect of, as far as objects in its place tell.

    Three groups of objects stand in the coin's cell: those that keep its shape (in clearly other colours), those that
    keep its colours (in another shape), and those that keep neither (crate, saw, enemy, another square). The effect is
    the coin's own only where it exceeds, in its own direction, that of every object of all three groups, and that of a
    coin of nearly its colour (else "hue"). It is that of its colour where those with its colours have as much, or were
    not shown to have less; and so on. Where some object that keeps neither has as much, it is an effect of any object.

    Args:
        effect: of the coin's side on the readout: its sign is the direction in which effects are compared.
        objects: by name, with leads on this readout.

    Returns:
        "unknown" where a group is empty.
    """
    shape, colour, neither = groups(objects)
    if not (shape and colour and neither):
        return "unknown"
    beyond = {name: exceeds(effect, one.leads[readout]) for name, one in objects.items()}
    if not all(beyond[name] for name in neither):
        return "object"
    match all(beyond[name] for name in colour), all(beyond[name] for name in shape):
        case True, True:
            return "coin" if all(beyond.get(name, True) for name in NEARLY) else "hue"
        case False, True:
            return "colour"
        case True, False:
            return "shape"
    return "colour or shape"


def groups(objects: Mapping[str, ObjectEffect]) -> tuple[list[str], list[str], list[str]]:
    """Names of the objects in the coin's cell that keep its shape, that keep its colours, and that keep neither."""
    shape = [name for name, one in objects.items() if one.kind == "colour" and name not in NEARLY]
    colour = [name for name in COLOURED if name in objects]
    neither = [name for name, one in objects.items() if one.kind in ("pixels", "thing") and name not in colour]
    return shape, colour, neither


def exceeds(effect: Estimate, lead: Estimate) -> bool:
    """Whether the coin's effect exceeds an object's in the effect's own direction: by its interval, and by p."""
    p = 1.0 if lead.null is None or lead.null.p is None else lead.null.p
    beyond = lead.low > 0 if effect.value >= 0 else lead.high < 0
    return beyond and p <= ALPHA


def as_much(effect: Estimate, objects: Mapping[str, ObjectEffect], readout: str) -> list[str]:
    """Objects in the coin's cell whose effect was not shown to be less than the coin's."""
    inside = {name for group in (*groups(objects), NEARLY) for name in group}
    return [name for name in objects if name in inside and not exceeds(effect, objects[name].leads[readout])]
