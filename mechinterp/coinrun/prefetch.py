"""Start states made before they are asked for, in a thread of their own."""

from __future__ import annotations

import copy
import os
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from mechinterp.coinrun.checks import OrderError, SettingError, is_whole
from mechinterp.coinrun.levels import LevelRange, LevelSource, Start


class StartPrefetcher:
    """Draws levels and has the starts of the next ones ready.

    A start depends on its level alone, and which levels will be drawn can be read off a copy of the generator: working
    ahead changes the speed only. Where a placement refuses a level, that comes out when the level's turn has come.

    Args:
        source: makes the starts.
        levels: the seeds drawn from, uniformly.
        count: how many starts to have ready. 0 makes each when it is asked for, in the caller's thread.
    """

    def __init__(self, source: LevelSource, levels: LevelRange, *, count: int = 0) -> None:
        if not is_whole(count, least=0):
            raise SettingError(f"prefetch: {count!r}, a whole number is needed, at least 0")
        self.source = source
        self.levels = levels
        self.count = int(count)
        self._ready: dict[int, Future[Start]] = {}
        self._thread = ThreadPoolExecutor(1, "starts") if count else None
        self._process = os.getpid()

    def draw(self, rng: np.random.Generator) -> Start:
        """The start of a level that ``rng`` draws; it is advanced by that one draw alone.

        Raises:
            OrderError: in a process that was forked off the one that made this: the thread does not come along.
        """
        if self._thread is not None and self._process != os.getpid():
            raise OrderError("starts are made ahead in a thread, which a forked process does not get: give prefetch=0")
        level_seed = self.levels.draw(rng)
        if self._thread is None:
            return self.source.start(level_seed)
        ready = self._ready.pop(level_seed, None)
        self._prepare(self._thread, rng)
        return self.source.start(level_seed) if ready is None else ready.result()

    def close(self) -> None:
        """Give back the thread."""
        if self._thread is not None and self._process == os.getpid():
            self._thread.shutdown(cancel_futures=True)

    def _prepare(self, thread: ThreadPoolExecutor, rng: np.random.Generator) -> None:
        future = copy.deepcopy(rng)
        coming = [self.levels.draw(future) for _ in range(self.count)]
        # What is no longer coming was meant for another generator, before a reset.
        self._ready = {
            seed: self._ready.get(seed) or thread.submit(self.source.start, seed) for seed in dict.fromkeys(coming)
        }
