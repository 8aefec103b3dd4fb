"""Whether an effect exceeds those of random networks, for slices that take such an effect apart.

Which channels carry an effect can be asked of a random network as well, and has an answer there: some do. What a policy
has learned is said of effects alone that random networks of its sensitivity do not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

ALPHA = 0.05
_WIRED = "what carries it says how this network is wired, not what it learned"


class Ranked(Protocol):
    """A rank among random networks."""

    @property
    def p(self) -> float:
        """That the largest of a random network's effects, over the family, is as large."""
        ...


class RankedEffect(Protocol):
    """One effect."""

    @property
    def rank(self) -> Ranked:
        """Its rank."""
        ...


class VariableReadouts(Protocol):
    """What one variable does to every readout."""

    @property
    def readouts(self) -> Mapping[str, RankedEffect]:
        """By the readout's name."""
        ...


class TotalEffects(Protocol):
    """What is needed of the slice that measures total effects."""

    @property
    def variables(self) -> Mapping[str, VariableReadouts]:
        """By the variable's name."""
        ...


def rank_p(effects: TotalEffects, variable: str, readout: str) -> float | None:
    """P of an effect's rank among those of random networks; None where it was not measured."""
    one = effects.variables.get(variable)
    return None if one is None or readout not in one.readouts else one.readouts[readout].rank.p


def exceeds_random(p: float | None) -> bool:
    """Whether random networks have no such effect, by the p of its rank."""
    return p is not None and p <= ALPHA


def against_random(p: float | None) -> str:
    """How an effect compares with those of random networks, in a sentence; empty where it exceeds them."""
    if exceeds_random(p):
        return ""
    if p is None:
        return f"It was not ranked among random networks: {_WIRED}."
    return f"Random networks of the same sensitivity have effects as large (p = {p:.2g}): {_WIRED}."
