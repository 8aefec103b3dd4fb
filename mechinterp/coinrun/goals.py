"""What an episode pays for: the coin, as in the stock game, or one end of the level, where nothing is to be seen."""

from __future__ import annotations

from enum import Enum

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

    def distance(self, agent_x: float, start: Start) -> float:
        """How far the agent (centre at ``agent_x``) is from paying, in cells sideways; 0 or less when it is there.

        The coin's own rule is the game's business, so its distance is infinite.
        """
        if self is Goal.END:
            return start.end_x - agent_x
        if self is Goal.START:
            return agent_x - 2.0
        return float("inf")
