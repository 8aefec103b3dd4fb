"""What each action would bring about: the real game, forked at a decision once for every plan of actions.

The game is deterministic, so a fork is exact: the state is put into as many games as there are plans, each plan is
carried out, and the places that the agent comes to are read off.
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
from mechinterp.proxies.decisions import Decision

ACTIONS = tuple(range(9))
"""All that do something different; see `policies.actions`."""

HORIZONS = (4, 8, 16)
"""Steps after which it is looked where a plan has led; an agent walks at most half a cell a step."""

_GAMES = 96


class ProxyError(MechinterpError):
    """A proxy, a choice model or futures that cannot be had of what was given."""


@dataclass(frozen=True, eq=False, repr=False)
class Futures:
    """Where each plan leads, from each of several decisions.

    Attributes:
        decisions: before the choice.
        plans: the game's actions, step by step.
        horizons: after how many steps it was looked at, ascending.
        xy: the agent's centre (x, y) in cells after each horizon. Once it is over, where it ended: the coin's cell
            where a coin was taken, and the last place that was read where the agent died.
        took: whether a coin was taken within the horizon.
        died: whether a hazard ended it within the horizon.
    """

    decisions: tuple[Decision, ...]
    plans: Int64[np.ndarray, "plans steps"]
    horizons: tuple[int, ...]
    xy: Float32[np.ndarray, "decisions plans horizons 2"]
    took: Bool[np.ndarray, "decisions plans horizons"]
    died: Bool[np.ndarray, "decisions plans horizons"]

    @property
    def first(self) -> Int64[np.ndarray, " plans"]:
        """The action that each plan begins with."""
        return self.plans[:, 0]

    @property
    def levels(self) -> Int64[np.ndarray, " decisions"]:
        """The level of each decision."""
        return np.array([decision.state.level_seed for decision in self.decisions], np.int64)

    @property
    def before(self) -> Float32[np.ndarray, "decisions 2"]:
        """The agent's centre before the choice."""
        return np.array([decision.state.agent_xy for decision in self.decisions], np.float32)

    def __len__(self) -> int:
        return len(self.decisions)

    def __repr__(self) -> str:
        held = ", ".join(map(str, self.horizons))
        count = len(set(self.levels.tolist()))
        return f"Futures({len(self)} decisions of {count} levels, {len(self.plans)} plans, seen after {held} steps)"


def held(actions: Sequence[int] = ACTIONS, steps: int = HORIZONS[-1]) -> Int64[np.ndarray, "plans steps"]:
    """A plan an action: hold it."""
    return np.repeat(np.array(actions, np.int64)[:, None], steps, 1)


def followed(actions: Sequence[int] = ACTIONS, *, first: int = 4, then: int = 8) -> Int64[np.ndarray, "plans steps"]:
    """A plan for each two actions: hold one for `first` steps, and the other for `then` more."""
    return np.array([[a] * first + [b] * then for a in actions for b in actions], np.int64)


def futures_of(
    decisions: Sequence[Decision],
    *,
    plans: Int64[np.ndarray, "plans steps"] | None = None,
    horizons: Sequence[int] = HORIZONS,
) -> Futures:
    """Fork the game at each decision, once for each plan, and carry it out.

    Args:
        plans: the game's actions, 0 to 8 (left, still, right; in each down, none, jump); by default each one is held.
        horizons: steps after which the agent's place is read.

    Raises:
        ProxyError: no decisions, horizons that are not whole numbers from 1, or plans shorter than the last of them.
    """
    decisions, ends = tuple(decisions), tuple(sorted(set(horizons)))
    if not ends or not all(isinstance(end, int | np.integer) and end >= 1 for end in ends):
        raise ProxyError(f"futures: horizons are whole numbers of steps from 1, got {tuple(horizons)!r}")
    plans = held(steps=ends[-1]) if plans is None else np.asarray(plans)
    if not decisions or plans.ndim != 2 or not len(plans) or plans.shape[1] < ends[-1]:
        raise ProxyError(
            f"futures: {len(decisions)} decisions and plans of shape {plans.shape} for {ends[-1]} steps; at least one "
            "decision and one plan are needed, and plans as long as the last horizon"
        )
    forks = [(decision.state, plan) for decision in decisions for plan in plans]
    shape = (len(decisions), len(plans), len(ends))
    xy = np.empty((len(forks), len(ends), 2), np.float32)
    took, died = (np.zeros((len(forks), len(ends)), bool) for _ in range(2))
    engine = Engine(min(_GAMES, len(forks)))
    try:
        for at in range(0, len(forks), engine.num):
            part = slice(at, min(at + engine.num, len(forks)))
            _carry_out(engine, forks[part], ends, xy[part], took[part], died[part])
    finally:
        engine.close()
    return Futures(decisions, plans, ends, xy.reshape(*shape, 2), took.reshape(shape), died.reshape(shape))


def _carry_out(
    engine: Engine,
    forks: Sequence[tuple[GameState, Int64[np.ndarray, " steps"]]],
    ends: Sequence[int],
    xy: Float32[np.ndarray, "forks horizons 2"],
    took: Bool[np.ndarray, "forks horizons"],
    died: Bool[np.ndarray, "forks horizons"],
) -> None:
    engine.load({slot: state.without_rngs() for slot, (state, _) in enumerate(forks)})
    actions = np.full(engine.num, 4)
    planned = np.stack([plan for _, plan in forks], 1)
    place = np.array([state.agent_xy for state, _ in forks], np.float32)
    over = np.zeros(len(forks), bool)
    coin, dead = over.copy(), over.copy()
    for step in range(1, ends[-1] + 1):
        actions[: len(forks)] = planned[step - 1]
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
