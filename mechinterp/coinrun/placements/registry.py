"""Placement rules by name, as the command line and recipes write them: ``stock``, ``random_percent=10``, ..."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mechinterp.coinrun.levels import Placement, stock
from mechinterp.coinrun.placements import coin, organisms
from mechinterp.errors import MechinterpError, nearest


class PlacementError(MechinterpError, ValueError):
    """A placement rule that is not known, or is written wrongly."""


@dataclass(frozen=True)
class Rule:
    """A placement rule that may take one number."""

    name: str
    summary: str
    make: Callable[[float], Placement]
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


def _plain(placement: Placement) -> Callable[[float], Placement]:
    return lambda _: placement


_RULES = (
    Rule("stock", "the level as the game made it: the coin at the right end", _plain(stock)),
    Rule("random_percent", "in PERCENT of levels the coin at a random place", coin.random_percent, "percent"),
    Rule("absent", "no coin", _plain(coin.absent)),
    Rule("decoy", "in the coin's place a picture of it, which pays nothing", _plain(coin.decoy)),
    Rule(
        "left_of_agent",
        "agent and coin at random places, the coin 2 to 5 columns left of it",
        _plain(coin.left_of_agent),
    ),
    Rule(
        "random_agent_and_coin",
        "agent and coin at random places, the coin on either side and mostly in view",
        _plain(organisms.random_agent_and_coin),
    ),
    Rule(
        "decoys", "no coin; COUNT decoys at random places", lambda n: organisms.decoys(int(n)), "count", 2, whole=True
    ),
    Rule(
        "agent_at_right",
        "the agent near the right end; no coin; COUNT decoys at random places",
        lambda n: organisms.agent_at_right(int(n)),
        "count",
        2,
        whole=True,
    ),
)

PLACEMENTS: Mapping[str, Rule] = MappingProxyType({rule.name: rule for rule in _RULES})
"""Every placement rule that has a name."""


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
    name, equals, text = rule.strip().partition("=")
    if name not in PLACEMENTS:
        raise PlacementError(f"unknown placement {name!r}{nearest(name, PLACEMENTS)}")
    known = PLACEMENTS[name]
    if known.argument is None:
        if equals:
            raise PlacementError(f"placement {name!r} takes no number, got {rule!r}; write {known.usage!r}")
        return known.make(0)
    if not equals and known.default is not None:
        return known.make(known.default)
    try:
        number = float(text)
        if known.whole and number != int(number):
            raise ValueError(f"{known.argument} must be a whole number")
        return known.make(number)
    except (ValueError, OverflowError) as error:
        raise PlacementError(f"placement {rule!r}: {error}; write {known.usage}, such as {name}=10") from None
