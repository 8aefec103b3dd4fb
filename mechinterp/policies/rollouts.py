"""Whole episodes from given starts: the same level gives the same episode, whatever the batch around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float64, UInt8

from mechinterp.coinrun.engine import Engine
from mechinterp.coinrun.goals import Goal
from mechinterp.coinrun.levels import Start, StatesLike, as_starts
from mechinterp.coinrun.raw_state import agent_position
from mechinterp.coinrun.state import GameState
from mechinterp.errors import MechinterpError
from mechinterp.policies.actors import Actor, Games, act
from mechinterp.policies.checks import check_whole
from mechinterp.policies.deaths import DeathAttributor
from mechinterp.policies.episodes import DEATHS as DEATHS
from mechinterp.policies.episodes import Episodes as Episodes
from mechinterp.policies.episodes import Outcome as Outcome


@dataclass(frozen=True)
class StepView:
    """What an observer sees before each step is taken."""

    episode: int
    """Index of the start."""
    step: int
    state: bytes
    frame: UInt8[np.ndarray, "64 64 3"]
    action: int


Observer = Callable[[StepView], None]


def rollout(
    actor: Actor,
    starts: StatesLike,
    *,
    seed: int = 0,
    max_steps: int = 1000,
    stop_at: Goal | None = None,
    num_envs: int = 64,
    observers: Sequence[Observer] = (),
) -> Episodes:
    """Play one episode from each start.

    Args:
        actor: chooses the actions.
        starts: where episodes begin (starts or states, one or several); their states carry the game's options.
        seed: of the actor's chance. Each episode draws from a generator seeded by (``seed``, its level seed).
        max_steps: where to cut an episode off; its outcome is then `Outcome.TIMEOUT`.
        stop_at: stop an episode as soon as the agent reaches this place (`Goal.END` or `Goal.START`).
        num_envs: how many run side by side. It changes the speed only.
        observers: called before every step of every episode.

    Raises:
        MechinterpError: if there are no starts; or ``max_steps`` or ``num_envs`` is no whole number from 1, or ``seed``
            none from 0.
    """
    starts = as_starts(starts)
    if not starts:
        raise MechinterpError("rollout: no starts were given; at least one is needed")
    check_playing(max_steps=max_steps, num_envs=num_envs, seed=seed)
    return _Rollout(actor, starts, seed, max_steps, stop_at, min(num_envs, len(starts)), observers).run()


def check_playing(*, max_steps: int, num_envs: int, seed: int) -> None:
    """Refuse what episodes cannot be played with; see `rollout`."""
    check_whole(least=1, max_steps=max_steps, num_envs=num_envs)
    check_whole(least=0, seed=seed)


@dataclass
class _Slot:
    """The episode that runs in one of the engine's games."""

    episode: int
    start: Start
    uniform: Float64[np.ndarray, " steps"]
    start_x: float
    step: int = 0
    farthest_x: float = 0.0
    first_side: int = 0


class _Rollout:
    def __init__(
        self,
        actor: Actor,
        starts: Sequence[Start],
        seed: int,
        max_steps: int,
        stop_at: Goal | None,
        num_envs: int,
        observers: Sequence[Observer],
    ) -> None:
        self.actor = actor
        self.starts = starts
        self.seed = seed
        self.max_steps = max_steps
        self.stop_at = stop_at
        self.observers = observers
        self.engine = Engine(num_envs)
        self.attributor = DeathAttributor()
        self.slots: list[_Slot | None] = [None] * num_envs
        self.waiting = iter(range(len(starts)))
        self.rows: list[tuple[int | float | bool, ...]] = [()] * len(starts)

    def run(self) -> Episodes:
        try:
            for index in range(len(self.slots)):
                self._next(index)
            while any(slot is not None for slot in self.slots):
                self._step()
        finally:
            self.engine.close()
            self.attributor.close()
        columns = zip(*self.rows, strict=True)
        kinds = (np.int64, np.int64, np.float64, np.int64, np.float64, np.bool_, np.int64)
        arrays = (np.array(column, kind) for column, kind in zip(columns, kinds, strict=True))
        return Episodes(**dict(zip((field.name for field in fields(Episodes)), arrays, strict=True)))

    def _next(self, index: int) -> None:
        episode = next(self.waiting, None)
        if episode is None:
            self.slots[index] = None
            return
        start = self.starts[episode]
        rng = np.random.default_rng([self.seed, start.level_seed])
        self.slots[index] = _Slot(episode, start, rng.random(self.max_steps), start.state.agent_xy[0])
        self.engine.load({index: start.state})

    def _step(self) -> None:
        before = {index: data for index in range(len(self.slots)) if (data := self._ready(index)) is not None}
        active = [(index, slot) for index, slot in enumerate(self.slots) if slot is not None]
        if not active:
            return
        frames = self.engine.observe()[1]
        rows = [index for index, _ in active]
        games = Games(
            [before[index] for index in rows],
            np.array([slot.episode for _, slot in active]),
            np.array([slot.step for _, slot in active]),
            np.array([slot.start.level_seed for _, slot in active]),
        )
        chosen = act(self.actor, frames[rows], np.array([slot.uniform[slot.step] for _, slot in active]), games)
        for (index, slot), action in zip(active, chosen, strict=True):
            view = StepView(slot.episode, slot.step, before[index], frames[index].copy(), int(action))
            for observe in self.observers:
                observe(view)
        actions = np.full(len(self.slots), 4)
        actions[rows] = chosen
        self.engine.step(actions)
        reward, _, first = self.engine.observe()
        for index, slot in active:
            slot.step += 1
            if first[index]:
                outcome = self._outcome(before[index], int(actions[index]), reward[index])
                self._finish(index, slot, outcome, float(reward[index]))

    def _ready(self, index: int) -> bytes | None:
        """The state before this slot's next step, once episodes that are over are closed; None if none is left."""
        while (slot := self.slots[index]) is not None:
            data = self.engine.state_bytes(index)
            x, _ = agent_position(data)
            slot.farthest_x = max(slot.farthest_x, x)
            away = x - slot.start_x
            if slot.first_side == 0 and abs(away) >= 1:
                slot.first_side = 1 if away > 0 else -1
            if self.stop_at is not None and self.stop_at.distance(x, slot.start) <= 0:
                self._finish(index, slot, Outcome.STOPPED, 0.0)
            elif slot.step >= self.max_steps:
                self._finish(index, slot, Outcome.TIMEOUT, 0.0)
            else:
                return data
        return None

    def _outcome(self, before: bytes, action: int, reward: float) -> Outcome:
        if reward > 0:
            return Outcome.COIN
        state = GameState.from_bytes(before)
        if state["cur_time"] + 1 >= state["timeout"]:
            return Outcome.TIMEOUT
        return Outcome[self.attributor.cause(state, action)]

    def _finish(self, index: int, slot: _Slot, outcome: Outcome, reward: float) -> None:
        at_end = Goal.END.distance(slot.farthest_x, slot.start) <= 0
        if outcome is Outcome.COIN:
            # The step that takes the coin ends the episode before the agent's last position can be read.
            at_end |= any(x >= slot.start.end_x for x, _ in slot.start.state.coins)
        seed = slot.start.level_seed
        self.rows[slot.episode] = (seed, int(outcome), reward, slot.step, slot.farthest_x, at_end, slot.first_side)
        self._next(index)
