"""What the games of an environment pay, step by step, by a `Payoff`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float32, Int64

from mechinterp.coinrun.goals import MAX_SPEED, REWARD, Payoff
from mechinterp.coinrun.levels import Start
from mechinterp.coinrun.raw_state import agent_position


class Payments:
    """Turns the game's own reward into what a payoff says, and sees arrivals at places that the game knows nothing of.

    Attributes:
        coin_weights: what the coin of each slot's episode pays, as a share of the game's own reward.
    """

    def __init__(self, payoff: Payoff, num: int) -> None:
        self.payoff = payoff
        self.coin_weights: Float32[np.ndarray, " num"] = np.ones(num, np.float32)
        self._look_after = np.zeros(num, np.int64)

    def begin(self, slot: int, start: Start) -> None:
        """An episode begins in this slot."""
        self.coin_weights[slot] = self.payoff.coin_weight(start)
        self._look_after[slot] = 0

    def arrivals(
        self,
        first: Bool[np.ndarray, " num"],
        lengths: Int64[np.ndarray, " num"],
        starts: Sequence[Start],
        state_bytes: Callable[[int], bytes],
    ) -> tuple[Bool[np.ndarray, " num"], Float32[np.ndarray, " num"]]:
        """Which slots have just reached a place that is an event, and what that pays.

        Args:
            first: where the game itself has ended the episode.
            lengths: steps of each slot's episode so far.
            starts: of each slot's episode.
            state_bytes: slot -> its game.
        """
        arrived, paid = np.zeros(len(first), bool), np.zeros(len(first), np.float32)
        places = self.payoff.places.items()
        if not places:
            return arrived, paid
        for slot in np.flatnonzero(~first & (lengths >= self._look_after)):
            x, _ = agent_position(state_bytes(slot))
            distance, weight = min((place.distance(x, starts[slot]), weight) for place, weight in places)
            arrived[slot], paid[slot] = distance <= 0, REWARD * weight
            # Far from the goal there is no need to look again before it can be reached at full speed.
            self._look_after[slot] = lengths[slot] + max(1, int(distance / MAX_SPEED))
        return arrived, paid

    def pay(
        self,
        reward: Float32[np.ndarray, " num"],
        arrived: Bool[np.ndarray, " num"],
        paid: Float32[np.ndarray, " num"],
        died: Bool[np.ndarray, " num"],
    ) -> Float32[np.ndarray, " num"]:
        """The reward of a step: the game's own by the coin's weight, that of a place, or what dying costs."""
        result = np.where(arrived, paid, reward * self.coin_weights).astype(np.float32)
        result[died] += REWARD * self.payoff.death
        return result
