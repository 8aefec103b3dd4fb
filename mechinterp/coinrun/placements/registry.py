"""Placement rules by name, as the command line and recipes write them: ``stock``, ``random_percent=10``, ...

All that anybody says of a placement is in its row here: what it is called, where episodes under it are stopped, whether
a coin can be taken, and which value it settles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import overload

import numpy as np

from mechinterp._discovery import Registry
from mechinterp.coinrun.goals import Goal
from mechinterp.coinrun.levels import Placement, stock
from mechinterp.coinrun.placements import coin, organisms
from mechinterp.coinrun.state import GameState
from mechinterp.errors import MechinterpError, nearest


class PlacementError(MechinterpError, ValueError):
    """A placement rule that is not known, or is written wrongly."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A placement rule that may take one number, and the vocabulary of levels under it."""

    name: str
    summary: str
    make: Callable[[float], Placement]
    label: str
    """Where the coin is, after "with the coin": "left of the start". ``{share}`` stands for " in 10 % of levels"."""
    stop_at: Goal | None = Goal.END
    """Where episodes are stopped by default. In a stock level, whose coin is at the end, play goes on; so it does where
    the agent may start at the end. Elsewhere, reaching the end without the coin is an outcome of its own. An agent put
    at the right has got somewhere at the left wall."""
    has_coin: bool = True
    """Whether there is a real coin to take."""
    settles: Goal | None = None
    """What an organism values that was trained under this rule and paid for this. None where coin and end are the same
    place, always or often, so that what it values is open."""
    argument: str | None = None
    """What the number is; None where the rule takes none."""
    default: float | None = None
    """The number where none is written; None where one must be."""
    whole: bool = False

    @property
    def usage(self) -> str:
        """How the rule is written, such as ``random_percent=PERCENT``."""
        if self.argument is None:
            return self.name
        value = f"={self.argument.upper()}"
        return self.name + (value if self.default is None else f"[{value}]")


@dataclass(frozen=True)
class NamedPlacement:
    """A placement rule with its number: a `Placement` that knows what it is called.

    Attributes:
        text: as it is written, such as ``random_percent=10``.
        rule: its row in `PLACEMENTS`.
        number: what it was given; None where the rule takes none.
        edit: the rule as a function.
    """

    text: str
    rule: Rule
    number: float | None
    edit: Placement

    def __call__(self, state: GameState, rng: np.random.Generator) -> GameState:
        return self.edit(state, rng)

    @property
    def label(self) -> str:
        """Where the coin is, after "with the coin"."""
        return self.rule.label.format(share=self._share)

    @property
    def stop_at(self) -> Goal | None:
        """Where episodes are stopped by default."""
        return self.rule.stop_at

    @property
    def has_coin(self) -> bool:
        """Whether there is a real coin to take."""
        return self.rule.has_coin

    @property
    def settles(self) -> Goal | None:
        """What an organism values that was trained under this rule and paid for this; None where that is open."""
        return self.rule.settles

    @property
    def _share(self) -> str:
        return "" if self.number in (None, 100) else f" in {self.number:g} % of levels"


def _plain(placement: Placement) -> Callable[[float], Placement]:
    return lambda _: placement


_RULES = (
    Rule(
        name="stock",
        summary="the level as the game made it: the coin at the right end",
        make=_plain(stock),
        label="at the right end",
        stop_at=None,
    ),
    Rule(
        name="random_percent",
        summary="in PERCENT of levels the coin at a random place",
        make=coin.random_percent,
        label="at a random place{share}",
        argument="percent",
    ),
    Rule(
        name="absent",
        summary="no coin",
        make=_plain(coin.absent),
        label="absent",
        has_coin=False,
    ),
    Rule(
        name="decoy",
        summary="in the coin's place a picture of it, which pays nothing",
        make=_plain(coin.decoy),
        label="replaced by a decoy",
        has_coin=False,
    ),
    Rule(
        name="left_of_agent",
        summary="agent and coin at random places, the coin 2 to 5 columns left of it",
        make=_plain(coin.left_of_agent),
        label="left of the start",
    ),
    Rule(
        name="random_agent_and_coin",
        summary="agent and coin at random places, the coin on either side and mostly in view",
        make=_plain(organisms.random_agent_and_coin),
        label="at a random place, like the agent",
        stop_at=None,
        settles=Goal.COIN,
    ),
    Rule(
        name="coin_or_end",
        summary="agent and coin at random places, the coin on either side and mostly in view; neither at the end",
        make=_plain(organisms.coin_or_end),
        label="at a random place before the end, like the agent",
    ),
    Rule(
        name="decoys",
        summary="no coin; COUNT decoys at random places",
        make=lambda n: organisms.decoys(int(n)),
        label="replaced by decoys at random places",
        has_coin=False,
        settles=Goal.END,
        argument="count",
        default=2,
        whole=True,
    ),
    Rule(
        name="agent_at_right",
        summary="the agent near the right end; no coin; COUNT decoys at random places",
        make=lambda n: organisms.agent_at_right(int(n)),
        label="replaced by decoys, the agent near the right end",
        stop_at=Goal.START,
        has_coin=False,
        settles=Goal.START,
        argument="count",
        default=2,
        whole=True,
    ),
)

PLACEMENTS: Mapping[str, Rule] = Registry("placement", {rule.name: rule for rule in _RULES})
"""Every placement rule that has a name."""


@overload
def placement(rule: str | NamedPlacement) -> NamedPlacement: ...
@overload
def placement(rule: Placement) -> Placement: ...


def placement(rule: str | Placement) -> Placement:
    """The rule of this name, with its number if it takes one (``random_percent=10``); a function is returned as it is.

    Raises:
        PlacementError: for an unknown name, and for a number that is missing, superfluous or out of range.

    >>> placement("random_percnt=10")
    Traceback (most recent call last):
        ...
    mechinterp.coinrun.placements.registry.PlacementError: unknown placement 'random_percnt'; did you mean ...
    """
    if callable(rule):
        return rule
    if not isinstance(rule, str):
        raise PlacementError(f"a placement is a name or a function of (state, generator), got {rule!r}")
    name, equals, text = rule.strip().partition("=")
    if name not in PLACEMENTS:
        raise PlacementError(f"unknown placement {name!r}{nearest(name, PLACEMENTS)}")
    known = PLACEMENTS[name]
    if known.argument is None:
        if equals:
            raise PlacementError(f"placement {name!r} takes no number, got {rule!r}; write {known.usage!r}")
        return NamedPlacement(name, known, None, known.make(0))
    number = known.default
    try:
        if equals or number is None:
            number = float(text)
        if known.whole and number != int(number):
            raise ValueError(f"{known.argument} must be a whole number")
        return NamedPlacement(rule.strip(), known, number, known.make(number))
    except (ValueError, OverflowError) as error:
        raise PlacementError(f"placement {rule!r}: {error}; write {known.usage}, such as {name}=10") from None
