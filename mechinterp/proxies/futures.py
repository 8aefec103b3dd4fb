"""What each action would bring about: the real game, forked from a state once for every action.

The game is deterministic, so a fork is exact: the state is put into as many games as there are actions, each action is
held, and the places that the agent comes to are read off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int64

from mechinterp.coinrun.engine import Engine
from mechinterp.coinrun.raw_state import agent_position
from mechinterp.coinrun.state import GameState
from mechinterp.errors import MechinterpError
from mechinterp.proxies.moments import Moment

HORIZONS = (4, 8, 16)
"""Steps for which an action is held; an agent walks at most half a cell a step."""

_GAMES = 96


class ProxyError(MechinterpError):
    """A proxy, a choice model or futures that cannot be had of what was given."""


@dataclass(frozen=True, eq=False, repr=False)
class Futures:
    """Where each action leads, from each of several moments.

    Attributes:
        moments: before the choice.
        actions: what was held; the game's numbers.
        horizons: for how many steps, ascending.
        xy: the agent's centre (x, y) in cells after each horizon. Once it is over, where it ended: the coin's cell
            where a coin was taken, and the last place that was read where the agent died.
        took: whether a coin was taken within the horizon.
        died: whether a hazard ended it within the horizon.
    """

    moments: tuple[Moment, ...]
    actions: tuple[int, ...]
    horizons: tuple[int, ...]
    xy: Float32[np.ndarray, "moments actions horizons 2"]
    took: Bool[np.ndarray, "moments actions horizons"]
    died: Bool[np.ndarray, "moments actions horizons"]

    @property
    def levels(self) -> Int64[np.ndarray, " moments"]:
        """The level of each moment."""
        return np.array([moment.state.level_seed for moment in self.moments], np.int64)

    @property
    def before(self) -> Float32[np.ndarray, "moments 2"]:
        """The agent's centre at the moment of the choice."""
        return np.array([moment.state.agent_xy for moment in self.moments], np.float32)

    def select(self, chosen: Bool[np.ndarray, " moments"]) -> Futures:
        """Those of some of the moments."""
        moments = tuple(moment for moment, keep in zip(self.moments, chosen, strict=True) if keep)
        return Futures(moments, self.actions, self.horizons, self.xy[chosen], self.took[chosen], self.died[chosen])

    def __len__(self) -> int:
        return len(self.moments)

    def __repr__(self) -> str:
        held = ", ".join(map(str, self.horizons))
        return f"Futures({len(self)} moments of {len(set(self.levels.tolist()))} levels, each action held {held} steps)"


def futures(
    moments: Sequence[Moment], *, actions: Sequence[int] = tuple(range(9)), horizons: Sequence[int] = HORIZONS
) -> Futures:
    """Fork the game at each moment, once for each action, and hold the action.

    Args:
        actions: the game's, 0 to 8 (left, still, right; in each down, none, jump).
        horizons: steps after which the agent's place is read.

    Raises:
        ProxyError: no moments, or horizons that are not whole numbers from 1.
    """
    moments, ends = tuple(moments), tuple(sorted(set(horizons)))
    if not moments or not len(actions):
        raise ProxyError(
            f"futures: {len(moments)} moments and {len(actions)} actions were given; at least one is needed"
        )
    if not ends or not all(isinstance(end, int | np.integer) and end >= 1 for end in ends):
        raise ProxyError(f"futures: horizons are whole numbers of steps from 1, got {tuple(horizons)!r}")
    forks = [(moment.state, action) for moment in moments for action in actions]
    shape = (len(moments), len(actions), len(ends))
    xy = np.empty((len(forks), len(ends), 2), np.float32)
    took, died = (np.zeros((len(forks), len(ends)), bool) for _ in range(2))
    engine = Engine(min(_GAMES, len(forks)))
    try:
        for at in range(0, len(forks), engine.num):
            part = slice(at, min(at + engine.num, len(forks)))
            _hold(engine, forks[part], ends, xy[part], took[part], died[part])
    finally:
        engine.close()
    return Futures(moments, tuple(actions), ends, xy.reshape(*shape, 2), took.reshape(shape), died.reshape(shape))


def _hold(
    engine: Engine,
    forks: Sequence[tuple[GameState, int]],
    ends: Sequence[int],
    xy: Float32[np.ndarray, "forks horizons 2"],
    took: Bool[np.ndarray, "forks horizons"],
    died: Bool[np.ndarray, "forks horizons"],
) -> None:
    engine.load({slot: state.without_rngs() for slot, (state, _) in enumerate(forks)})
    actions = np.full(engine.num, 4)
    actions[: len(forks)] = [action for _, action in forks]
    place = np.array([state.agent_xy for state, _ in forks], np.float32)
    over = np.zeros(len(forks), bool)
    coin, dead = over.copy(), over.copy()
    for step in range(1, ends[-1] + 1):
        engine.step(actions)
        reward, _, first = engine.observe()
        for slot in np.flatnonzero(first[: len(forks)] & ~over):
            over[slot] = True
            coin[slot] = reward[slot] > 0
            dead[slot] = not coin[slot] and not _timed_out(forks[slot][0], step)
            if coin[slot]:
                place[slot] = _nearest_coin(forks[slot][0], place[slot])
        if step in ends or step % 4 == 2:
            for slot in np.flatnonzero(~over):
                place[slot] = agent_position(engine.state_bytes(int(slot)))
        if step in ends:
            column = ends.index(step)
            xy[:, column], took[:, column], died[:, column] = place, coin, dead


def _timed_out(state: GameState, steps: int) -> bool:
    return int(state["cur_time"]) + steps >= int(state["timeout"])


def _nearest_coin(state: GameState, place: Float32[np.ndarray, " 2"]) -> Float32[np.ndarray, " 2"]:
    centres = np.array(state.coins, np.float32) + 0.5
    return centres[np.argmin(np.square(centres - place).sum(1))]
