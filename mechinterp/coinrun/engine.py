"""The C++ game: the one file that drives its library. Only checked states get in."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
from jaxtyping import Bool, Float32, Int, UInt8

from mechinterp.coinrun.checks import OrderError, SettingError, is_whole
from mechinterp.coinrun.library import game_version as game_version
from mechinterp.coinrun.library import open_library
from mechinterp.coinrun.state import GameState, StateError

_LAST_ACTION = 14
RESET_ACTION = -1
"""An action that ends the episode at once, with no reward; the next frame is the next level's first."""


@dataclass(frozen=True)
class GameOptions:
    """What a CoinRun game looks like and how hard it is. The defaults are Procgen's."""

    distribution_mode: str = "hard"
    use_backgrounds: bool = True
    use_monochrome_assets: bool = False
    restrict_themes: bool = False
    use_generated_assets: bool = False
    """Refused when true: the library exits when asked for a state of such a game."""
    paint_vel_info: bool = False
    center_agent: bool = True

    def __post_init__(self) -> None:
        if self.distribution_mode not in ("easy", "hard"):
            raise StateError(f"distribution_mode: {self.distribution_mode!r}, CoinRun has 'easy' and 'hard'")
        for field in fields(self)[1:]:
            if not isinstance(value := getattr(self, field.name), bool):
                raise StateError(f"{field.name}: {value!r}, allowed are True and False")
        if self.use_generated_assets:
            raise StateError(
                "use_generated_assets: the library cannot give states with generated assets; leave it False"
            )


class Engine:
    """``num`` games stepped together in C++.

    ``threads`` changes the speed only: the game is deterministic, whatever the number of games and threads. 0 steps
    them in the calling thread. Several Python threads may use one engine: each call is one step to the others.

    Raises:
        SettingError: for fewer than 1 game or 0 threads: the library would end the process.
        OrderError: from every method, once closed; and, if it has threads, in a process that was forked off the one
            that made it: threads do not come along, and the library would wait for them for ever.
    """

    def __init__(self, num: int, *, options: GameOptions = GameOptions(), threads: int = 0) -> None:
        for name, value, least in (("num", num, 1), ("threads", threads, 0)):
            if not is_whole(value, least=least):
                raise SettingError(f"{name}: {value!r}, a whole number is needed, at least {least}")
        self._library = open_library(num, options=asdict(options), threads=threads)
        self.num = num
        self.options = options
        self._threads_of = os.getpid() if threads else None
        self._closed = False
        # The library has one buffer for states, and lets other threads run while it works.
        self._one_at_a_time = threading.RLock()

    def load(self, states: Mapping[int, GameState]) -> None:
        """Put these games into these slots; `observe` then shows them, with no step of physics in between."""
        self._require_open()
        for slot, state in states.items():
            self._in_range(slot)
            if not isinstance(state, GameState):
                raise StateError(f"slot {slot}: a {type(state).__name__}, only a GameState may be loaded")
        with self._one_at_a_time:
            for slot, state in states.items():
                self._library.set_state(slot, state.to_bytes())

    def state_bytes(self, slot: int) -> bytes:
        """The game in this slot, as the library gives it."""
        self._require_open()
        self._in_range(slot)
        with self._one_at_a_time:
            return self._library.get_state(slot)

    def states(self, slots: Sequence[int] | None = None) -> list[GameState]:
        """The games in these slots (all of them by default), parsed and checked."""
        return [GameState.from_bytes(self.state_bytes(slot)) for slot in (range(self.num) if slots is None else slots)]

    def step(self, actions: Int[np.ndarray, " num"]) -> None:
        """One step of every game. Actions are Procgen's 0 to 14, or `RESET_ACTION`."""
        self._require_open()
        actions = np.asarray(actions)
        if actions.shape != (self.num,) or not np.issubdtype(actions.dtype, np.integer):
            raise SettingError(f"actions: shape {actions.shape} of {actions.dtype}, expected ({self.num},) of integers")
        if actions.min() < RESET_ACTION or actions.max() > _LAST_ACTION:
            raise SettingError(
                f"actions: {actions.min()} to {actions.max()}, allowed are {RESET_ACTION} to {_LAST_ACTION}"
            )
        with self._one_at_a_time:
            self._library.act(actions)

    def observe(self) -> tuple[Float32[np.ndarray, " num"], UInt8[np.ndarray, "num 64 64 3"], Bool[np.ndarray, " num"]]:
        """Reward of the last step, frame now, and whether the frame is the first of an episode."""
        self._require_open()
        with self._one_at_a_time:
            return self._library.observe()

    def close(self) -> None:
        """End the games. Closing twice does nothing more."""
        if not self._closed:
            self._closed = True
            if not self._without_its_threads:
                self._library.close()

    def _require_open(self) -> None:
        if self._closed:
            raise OrderError(f"these {self.num} games are closed: nothing can be done with them; make new ones")
        if self._without_its_threads:
            raise OrderError(
                f"these {self.num} games have threads, which a forked process does not get: make games in it (or start "
                "it with the method 'spawn', or make games with threads=0)"
            )

    @property
    def _without_its_threads(self) -> bool:
        return self._threads_of is not None and self._threads_of != os.getpid()

    def _in_range(self, slot: int) -> None:
        if not is_whole(slot, least=0, most=self.num - 1):
            raise SettingError(f"slot {slot!r:.80}: this engine has slots 0 to {self.num - 1}")
