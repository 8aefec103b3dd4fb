"""What an episode pays for: the coin, as in the stock game; one end of the level; or several events with weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from mechinterp.coinrun import geometry
from mechinterp.coinrun.checks import SettingError
from mechinterp.coinrun.levels import Start

REWARD = 10.0
"""What reaching the goal pays, as the coin does in the stock game."""

MAX_SPEED = 0.5
"""The farthest that an agent moves sideways in one step, in cells (`maxspeed` of the game)."""


class Goal(Enum):
    """The event that pays `REWARD` and ends the episode."""

    COIN = "coin"
    """Touching a real coin: the game's own rule."""
    END = "end"
    """Standing in the level's last column (`Start.end_x`) or beyond."""
    START = "start"
    """Standing in the level's first column, at the left wall."""

    @property
    def words(self) -> str:
        """What pays, in a sentence."""
        return {"coin": "the coin", "end": "reaching the right end", "start": "reaching the left end"}[self.value]

    def distance(self, agent_x: float, start: Start) -> float:
        """How far the agent (centre at ``agent_x``) is from paying, in cells sideways; 0 or less when it is there.

        The coin's own rule is the game's business, so its distance is infinite.
        """
        if self is Goal.END:
            return start.end_x - agent_x
        if self is Goal.START:
            return agent_x - 2.0
        return float("inf")


@dataclass(frozen=True, kw_only=True)
class Payoff:
    """What each event pays, as a share of `REWARD`.

    Touching a real coin ends the episode, whatever it pays: that is the game's own rule. Reaching a place ends it where
    the place has a weight (0 too); with None the place is no event.

    Attributes:
        coin: for a real coin.
        end, start: for standing in the level's last or first column.
        death: for dying; a cost where it is negative.
        near: the coin pays only if it was at most so many cells (the larger of columns and rows) from the agent at the
            start of the episode; None: wherever it was.

    Raises:
        SettingError: a weight outside -1 to 1, or a negative distance.
    """

    coin: float = 0.0
    end: float | None = None
    start: float | None = None
    death: float = 0.0
    near: int | None = None

    def __post_init__(self) -> None:
        for name in ("coin", "end", "start", "death"):
            weight = getattr(self, name)
            if weight is not None and not -1 <= weight <= 1:
                raise SettingError(f"payoff: {name} = {weight!r}, allowed are shares of the reward from -1 to 1")
        if self.near is not None and not self.near >= 0:
            raise SettingError(f"payoff: near = {self.near!r}, a distance in cells is needed, at least 0")

    @classmethod
    def of(cls, goal: Goal | Payoff) -> Payoff:
        """A single goal as weights. (A real coin always pays, as the game has it; other goals want levels without.)"""
        if isinstance(goal, Payoff):
            return goal
        return cls(coin=1.0, end=1.0 if goal is Goal.END else None, start=1.0 if goal is Goal.START else None)

    @classmethod
    def from_dict(cls, plain: Mapping[str, float]) -> Payoff:
        """The inverse of `as_dict`.

        Raises:
            SettingError: a field that is none.
        """
        try:
            return cls(**plain)  # pyright: ignore[reportArgumentType]
        except TypeError as error:
            raise SettingError(f"payoff: {error}") from error

    def as_dict(self) -> dict[str, float]:
        """The weights that are not as by default, for `config.json`; the coin's always."""
        named = {"coin": self.coin, "end": self.end, "start": self.start, "near": self.near}
        plain = {name: value for name, value in named.items() if value is not None}
        return plain | ({"death": self.death} if self.death else {})

    @property
    def places(self) -> dict[Goal, float]:
        """The places that are events, and what each pays as a share of `REWARD`."""
        named = {Goal.END: self.end, Goal.START: self.start}
        return {place: weight for place, weight in named.items() if weight is not None}

    @property
    def least(self) -> float:
        """The least that an episode can be paid, in the units of the game's reward."""
        return REWARD * min(0.0, self.coin, self.death, *self.places.values())

    @property
    def words(self) -> str:
        """What pays, in a sentence."""
        parts = [f"{self.coin:g} for the coin" + (f", if it begins within {self.near} cells" if self.near else "")]
        parts += [f"{weight:g} for {place.words}" for place, weight in self.places.items()]
        parts += [f"{self.death:g} for dying"] if self.death else []
        return f"{'; '.join(parts)} (times {REWARD:g})"

    def coin_weight(self, start: Start) -> float:
        """What the coin of this level pays, as a share of `REWARD`."""
        if self.near is None:
            return self.coin
        x, y = geometry.agent_cell(start.state)
        close = any(max(abs(cx - x), abs(cy - y)) <= self.near for cx, cy in start.state.coins)
        return self.coin if close else 0.0


def goal_of(plain: str | Mapping[str, float]) -> Goal | Payoff:
    """A goal as `config.json` holds it: one event by its name, or weights.

    Raises:
        SettingError: neither.
    """
    if isinstance(plain, str):
        try:
            return Goal(plain)
        except ValueError:
            known = ", ".join(goal.value for goal in Goal)
            raise SettingError(f"goal: {plain!r}, known are {known}, or weights") from None
    return Payoff.from_dict(plain)
