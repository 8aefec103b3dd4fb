"""Start states made before they are asked for, in a thread of their own."""

from __future__ import annotations

import copy
import os
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

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
        self._coming: deque[Future[Start]] = deque()
        self._ahead: np.random.Generator | None = None  # a copy of the caller's, as many draws ahead as are coming
        self._next: Mapping[str, Any] = {}  # the state in which the caller's generator draws the first of them
        self._thread = ThreadPoolExecutor(1, "starts") if count else None
        self._process = os.getpid()
        self._closed = False

    def draw(self, rng: np.random.Generator) -> Start:
        """The start of a level that ``rng`` draws; it is advanced by that one draw alone.

        Raises:
            OrderError: once closed; or in a process that was forked off the one that made this: the thread does not
                come along.
        """
        if self._thread is not None and self._process != os.getpid():
            raise OrderError("starts are made ahead in a thread, which a forked process does not get: give prefetch=0")
        if self._closed:
            raise OrderError("no more starts are made: this is closed")
        if self._thread is None:
            return self.source.start(self.levels.draw(rng))
        if self._ahead is None or self._next != rng.bit_generator.state:
            self._begin(rng)
        self.levels.draw(rng)
        self._next = rng.bit_generator.state
        self._prepare()
        return self._coming.popleft().result()

    def close(self) -> None:
        """Give back the thread."""
        self._closed = True
        if self._thread is not None and self._process == os.getpid():
            self._thread.shutdown(cancel_futures=True)

    def _begin(self, rng: np.random.Generator) -> None:
        """Start on what this generator will draw: the first draw, or one after a reset."""
        for future in self._coming:  # meant for another generator
            future.cancel()
        self._coming.clear()
        self._ahead = copy.deepcopy(rng)
        for _ in range(self.count):
            self._prepare()

    def _prepare(self) -> None:
        assert self._thread is not None
        assert self._ahead is not None
        self._coming.append(self._thread.submit(self.source.start, self.levels.draw(self._ahead)))
