"""Start states: the level of any seed, edited by a placement rule, always the same for the same seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Self

import numpy as np

from mechinterp.coinrun import geometry
from mechinterp.coinrun.checks import SettingError, is_whole
from mechinterp.coinrun.engine import RESET_ACTION, Engine, GameOptions
from mechinterp.coinrun.identity import level_identity
from mechinterp.coinrun.state import GameState

Placement = Callable[[GameState, np.random.Generator], GameState]
"""A rule that edits a fresh level. Its generator depends on the level and the source's seed alone."""

MAX_LEVEL_SEED = 2**31 - 2


def stock(state: GameState, rng: np.random.Generator) -> GameState:
    """The level as the game made it: the coin at the right end, the agent at the left."""
    return state


@dataclass(frozen=True)
class LevelRange:
    """Level seeds ``start`` to ``start + count - 1``."""

    start: int
    count: int

    def __post_init__(self) -> None:
        if not is_whole(self.start, least=0) or not is_whole(self.count, least=1):
            raise SettingError(
                f"levels: start {self.start!r:.80}, count {self.count!r:.80}; allowed are whole numbers, from 0 and 1"
            )
        if self.start + self.count - 1 > MAX_LEVEL_SEED:
            raise SettingError(
                f"levels {self.start} to {self.start + self.count - 1}: allowed are 0 to {MAX_LEVEL_SEED}"
            )

    def draw(self, rng: np.random.Generator) -> int:
        """One seed, uniformly."""
        return int(rng.integers(self.start, self.start + self.count))

    def first(self, count: int) -> range:
        """The first ``count`` seeds of the range."""
        if not 1 <= count <= self.count:
            raise SettingError(f"{count} levels asked of a range of {self.count}")
        return range(self.start, self.start + count)


@dataclass(frozen=True, repr=False)
class Start:
    """Where an episode begins."""

    state: GameState
    level_seed: int
    end_x: int
    """The cell column where the stock level ends, and had its coin before any placement."""

    def __repr__(self) -> str:
        return f"Start({self.state!r}, end at column {self.end_x})"


StatesLike = Start | GameState | Sequence[Start | GameState]
"""What functions that begin from states take: starts of episodes, or states; one or several."""


class LevelSource:
    """Makes the start state of any level seed.

    A placement sees a generator that is seeded by (``seed``, level seed): the same level always gets the same edit, in
    whatever order, slot, thread or process it is asked for.

    Raises:
        SettingError: for a seed that no generator takes: it is a whole number from 0 to 2**63 - 1.
    """

    def __init__(self, options: GameOptions, *, placement: Placement = stock, seed: int = 0) -> None:
        if not is_whole(seed, least=0):
            raise SettingError(f"seed of a level source: {seed!r}, allowed are whole numbers from 0 to 2**63 - 1")
        self.options = options
        self.placement = placement
        self.seed = int(seed)
        self._engine = Engine(1, options=options)
        self._template = self._engine.states()[0]
        self._one_at_a_time = Lock()

    def start(self, level_seed: int) -> Start:
        """The level of this seed, with the placement applied.

        Raises:
            SettingError: no level has this seed.
        """
        fresh, level_seed = self._fresh(level_seed), int(level_seed)
        rng = np.random.default_rng([self.seed, level_seed])
        return Start(self.placement(fresh, rng), level_seed, end_x=fresh.coins[0][0])

    def starts(self, level_seeds: Sequence[int]) -> list[Start]:
        """`start` of each of these seeds."""
        return [self.start(level_seed) for level_seed in level_seeds]

    def identity(self, level_seed: int) -> int:
        """What the level of this seed contains, before any placement; see `level_identity`.

        Raises:
            SettingError: no level has this seed.
        """
        return level_identity(self._fresh(level_seed))

    def close(self) -> None:
        """Give back the game. Doing it twice does no harm; leaving a ``with`` block does it too."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _fresh(self, level_seed: int) -> GameState:
        if not is_whole(level_seed, least=0, most=MAX_LEVEL_SEED):
            raise SettingError(f"level seed {level_seed!r:.80}: allowed are 0 to {MAX_LEVEL_SEED}, whole numbers")
        return self._generate(level_seed)

    def _generate(self, level_seed: int) -> GameState:
        # The game draws its next level from [low, high): a range of one seed leaves it no choice.
        asked = self._template.replace(level_seed_low=level_seed, level_seed_high=level_seed + 1)
        with self._one_at_a_time:
            self._engine.load({0: asked})
            self._engine.step(np.array([RESET_ACTION]))
            fresh = self._engine.states()[0]
        # What is left over from the game before must not tell two starts of one level apart.
        return fresh.replace(prev_level_seed=level_seed, step_rand_int=0, last_reward=0).without_rngs()


def as_starts(given: StatesLike) -> list[Start]:
    """As starts of episodes; a state on its own ends in the last column of its geometry.

    Raises:
        SettingError: something else is among them.
    """
    if not isinstance(given, Start | GameState | Iterable):
        raise SettingError(f"states: a {type(given).__name__}; allowed are a Start, a GameState, or several of them")
    several = [given] if isinstance(given, Start | GameState) else list(given)
    for at, one in enumerate(several):
        if not isinstance(one, Start | GameState):
            raise SettingError(f"state {at} is a {type(one).__name__}; allowed are a Start and a GameState")
    return [one if isinstance(one, Start) else _start_of(one) for one in several]


def as_states(given: StatesLike) -> list[GameState]:
    """As states. Raises SettingError: something else is among them."""
    return [start.state for start in as_starts(given)]


def _start_of(state: GameState) -> Start:
    return Start(state, state.level_seed, geometry.end_x(state))


def as_start(given: object, source: LevelSource, *, slot: int) -> Start:
    """What was given as the start of a slot, as a `Start`.

    Raises:
        SettingError: if it is neither a `Start`, nor a `GameState`, nor a level seed.
    """
    if isinstance(given, Start) and isinstance(given.state, GameState):
        return given
    if isinstance(given, GameState):
        return _start_of(given)
    if is_whole(given):
        return source.start(int(given))
    kind = f"Start of a {type(given.state).__name__}" if isinstance(given, Start) else type(given).__name__
    raise SettingError(f"reset: the start of slot {slot} is a {kind}; allowed are a Start, a GameState, a level seed")
