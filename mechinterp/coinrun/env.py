"""A vectorised CoinRun with gymnasium's conventions, in which any slot can start from any state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from jaxtyping import Bool, Float32, Int, UInt8

from mechinterp.coinrun.checks import OrderError, SettingError
from mechinterp.coinrun.engine import Engine
from mechinterp.coinrun.episodes import Ending, EnvSnapshot
from mechinterp.coinrun.goals import Goal, Payoff
from mechinterp.coinrun.levels import LevelRange, LevelSource, Start, as_start
from mechinterp.coinrun.payments import Payments
from mechinterp.coinrun.prefetch import StartPrefetcher
from mechinterp.coinrun.state import GameState

ACTIONS = 15
PREFETCH = 8
"""How many starts an environment has ready: enough that an episode's end hardly waits for the next one's level."""
Step = tuple[
    UInt8[np.ndarray, "num 64 64 3"],
    Float32[np.ndarray, " num"],
    Bool[np.ndarray, " num"],
    Bool[np.ndarray, " num"],
    dict[str, Any],
]
"""Observation, reward, terminated, truncated, infos."""


class CoinRunEnv(VectorEnv):
    """``num_envs`` games at once; each new episode starts from a level that ``source`` makes and its placement edits.

    Observations are uint8 frames ``[num_envs, 64, 64, 3]``, actions Procgen's 0 to 14. Autoreset is in the same step:
    the observation at a termination is the next episode's first one already, with the placement applied. ``infos``:

    - ``level_seed``: int64 ``[num_envs]``, of the episode that the observation belongs to;
    - ``ended`` with the mask ``_ended``, where an episode has just ended: ``r`` (return), ``l`` (length in steps),
      ``ending`` (`Ending`) and ``level_seed``. (``episode`` is left to gymnasium's ``RecordEpisodeStatistics``.)

    There is no ``final_obs``: the library has left the level by the time that it says so. An episode is the same in
    whatever slot and however many others run with it; which levels a slot gets depends on ``num_envs``, since all
    slots draw from one generator in the order in which their episodes end.

    Args:
        num_envs: how many games.
        source: makes start states; its options are the games'. If its placement refuses a level, the error comes out
            of `reset` or `step`, and the environment then wants a `reset`.
        levels: the seeds that new episodes draw from, uniformly.
        goal: what pays: one event, or several with weights. For a single goal other than the coin, the placement should
            leave no real coin in the level: a real one still pays and ends the episode.
        seed: random seed of the draw of levels. `reset` can set another.
        threads: of the C++ library; they change the speed only.
        prefetch: how many starts to have ready before episodes end (`StartPrefetcher`); changes the speed only. 0 makes
            them in the caller's thread, as a process that forks off one with an environment needs it.
    """

    metadata = {  # noqa: RUF012 (gymnasium's way)
        "render_modes": ["rgb_array"],
        "render_fps": 15,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self,
        num_envs: int,
        source: LevelSource,
        *,
        levels: LevelRange,
        goal: Goal | Payoff = Goal.COIN,
        seed: int = 0,
        threads: int = 0,
        prefetch: int = PREFETCH,
    ) -> None:
        self.num_envs = num_envs
        self.source = source
        self.levels = levels
        self.goal = goal
        self._payments = Payments(Payoff.of(goal), num_envs)
        self.single_observation_space = gym.spaces.Box(0, 255, (64, 64, 3), np.uint8)
        self.single_action_space = gym.spaces.Discrete(ACTIONS)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.render_mode = "rgb_array"
        self._draws = StartPrefetcher(source, levels, count=prefetch)
        self._engine = Engine(num_envs, options=source.options, threads=threads)
        self._rng = np.random.default_rng(seed)
        self._starts: list[Start] = []
        self._returns = np.zeros(num_envs)
        self._lengths = np.zeros(num_envs, np.int64)
        self._deadlines = np.zeros(num_envs, np.int64)
        self._under_way = False
        self.drawn: int | None = 0
        """How many levels were drawn since the last reset; None after an older snapshot, which did not count."""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[UInt8[np.ndarray, "num 64 64 3"], dict[str, Any]]:
        """Start a new episode in every slot.

        ``options={"starts": {slot: start}}`` chooses the start of some or all of them. A start is a `Start`; a
        `GameState`, which ends in the last column of its geometry; or a level seed, whose level ``source`` makes.

        Raises:
            SettingError: for another option, slot or kind of start. The episodes before then go on.
        """
        unknown = set(options or {}) - {"starts"}
        if unknown:
            raise SettingError(f"reset options {sorted(unknown)}: the only one is 'starts'")
        given = (options or {}).get("starts", {})
        if not isinstance(given, Mapping):
            raise SettingError(f"reset: starts is a {type(given).__name__}, expected a mapping from slot to start")
        outside = [slot for slot in given if slot not in range(self.num_envs)]
        if outside:
            raise SettingError(f"reset: starts for slots {outside}, this environment has 0 to {self.num_envs - 1}")
        chosen = {slot: as_start(start, self.source, slot=slot) for slot, start in given.items()}
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self.drawn = 0
        if self._under_way:  # its games are left, but not before the library's threads are done with them
            self._engine.observe()
            self._under_way = False
        self._begin({slot: chosen.get(slot) for slot in range(self.num_envs)})
        return self._engine.observe()[1].copy(), self._infos()

    def step(self, actions: Int[np.ndarray, " num"]) -> Step:
        """One step of every game: observation, reward, terminated, truncated (the clock ran out), infos.

        Raises:
            OrderError: before `reset`, after `close`, or after a step whose new episodes could not be made.
            SettingError: for actions that are none.
        """
        self.step_async(actions)
        return self.step_wait()

    def step_async(self, actions: Int[np.ndarray, " num"]) -> None:
        """Begin a step, which the library's threads carry out: without threads, it is over when this returns.

        Raises:
            OrderError, SettingError: as `step`, and where a step is under way.
        """
        if not self._starts:
            raise OrderError("step before reset: call reset() first")
        self._require_settled("step_async")
        actions = np.asarray(actions)
        if actions.shape == (self.num_envs,) and actions.min() < 0:
            raise SettingError(f"actions: {actions.min()}, allowed are 0 to {ACTIONS - 1}")
        self._engine.step(actions)
        self._under_way = True

    def step_wait(self) -> Step:
        """What `step` gives, of the step that was begun.

        Raises:
            OrderError: as `step`, and where no step was begun.
        """
        if not self._under_way:
            raise OrderError("step_wait: no step is under way; call step_async() first")
        self._under_way = False
        reward, frame, first = self._engine.observe()
        reward, first = reward.copy(), first.copy()
        self._lengths += 1
        arrived, paid = self._payments.arrivals(first, self._lengths, self._starts, self._engine.state_bytes)
        reached, ended = arrived | (reward > 0), first | arrived
        truncated = ended & ~reached & (self._lengths >= self._deadlines)
        reward = self._payments.pay(reward, arrived, paid, died=ended & ~reached & ~truncated)
        self._returns += reward
        infos: dict[str, Any] = {}
        if ended.any():
            infos = self._ended_infos(ended, reached, truncated)
            self._begin(dict.fromkeys(np.flatnonzero(ended).tolist()))
            frame = self._engine.observe()[1]
        return frame.copy(), reward, ended & ~truncated, truncated, infos | self._infos()

    def states(self) -> list[GameState]:
        """The game of every slot, now. Raises OrderError while a step is under way."""
        self._require_settled("states")
        return self._engine.states()

    def render(self) -> tuple[UInt8[np.ndarray, "64 64 3"], ...]:
        """The frame of every slot."""
        return tuple(self._engine.observe()[1].copy())

    def snapshot(self) -> EnvSnapshot:
        """All that is needed to go on later, bit for bit.

        Raises:
            OrderError: where `step` would, for want of a `reset`, and while a step is under way.
        """
        if not self._starts:
            raise OrderError("snapshot before reset: call reset() first")
        self._require_settled("snapshot")
        states = tuple(state.without_rngs().to_bytes() for state in self.states())
        levels = tuple((start.level_seed, start.end_x) for start in self._starts)
        returns, lengths = tuple(self._returns.tolist()), tuple(self._lengths.tolist())
        coins = tuple(self._payments.coin_weights.tolist())
        return EnvSnapshot(states, levels, returns, lengths, dict(self._rng.bit_generator.state), coins, self.drawn)

    def restore(self, snapshot: EnvSnapshot) -> UInt8[np.ndarray, "num 64 64 3"]:
        """Go on from a snapshot of an environment of the same size; the current observation."""
        self._require_settled("restore")
        if len(snapshot.states) != self.num_envs:
            raise SettingError(f"a snapshot of {len(snapshot.states)} games, this environment has {self.num_envs}")
        states = [GameState.from_bytes(data) for data in snapshot.states]
        starts = [Start(state, *level) for state, level in zip(states, snapshot.levels, strict=True)]
        self._begin(dict(enumerate(starts)))
        self._returns[:] = snapshot.returns
        self._lengths[:] = snapshot.lengths
        if snapshot.coin_pays:
            self._payments.coin_weights[:] = snapshot.coin_pays
        self._deadlines += self._lengths
        self._rng.bit_generator.state = snapshot.rng
        self.drawn = snapshot.drawn
        return self._engine.observe()[1].copy()

    def _require_settled(self, asked: str) -> None:
        if self._under_way:
            raise OrderError(f"{asked}: a step is under way; call step_wait() first")

    def close_extras(self, **kwargs: Any) -> None:
        self._draws.close()
        self._engine.close()

    def _begin(self, starts: Mapping[int, Start | None]) -> None:
        """Begin episodes in these slots; None draws a level."""
        slots = list(starts)
        # A placement may refuse a level. The games have then left theirs, so nothing may go on before a reset.
        before, self._starts = self._starts, []
        begun = {slot: start or self._draws.draw(self._rng) for slot, start in starts.items()}
        if self.drawn is not None:
            self.drawn += sum(start is None for start in starts.values())
        self._engine.load({slot: start.state for slot, start in begun.items()})
        self._starts = [begun[slot] if slot in begun else before[slot] for slot in range(self.num_envs)]
        self._returns[slots] = 0
        self._lengths[slots] = 0
        for slot in slots:
            state = self._starts[slot].state
            self._payments.begin(slot, self._starts[slot])
            self._deadlines[slot] = state["timeout"] - state["cur_time"]

    def _ended_infos(
        self, ended: Bool[np.ndarray, " num"], reached: Bool[np.ndarray, " num"], truncated: Bool[np.ndarray, " num"]
    ) -> dict[str, Any]:
        endings = np.where(reached, Ending.GOAL, np.where(truncated, Ending.TIMEOUT, Ending.DIED))
        told = {
            "r": np.where(ended, self._returns, 0.0),
            "l": np.where(ended, self._lengths, 0),
            "ending": np.where(ended, endings, 0),
            "level_seed": np.where(ended, [start.level_seed for start in self._starts], 0),
        }
        return {"ended": told, "_ended": ended}

    def _infos(self) -> dict[str, Any]:
        return {"level_seed": np.array([start.level_seed for start in self._starts], np.int64)}
