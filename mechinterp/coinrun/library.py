"""The C++ library, by whichever of its two wheels is installed: the one file that imports them.

``procgen-mirror`` has wheels for Python 3.11 and 3.12, ``procgen-gym`` for 3.13 and later. States, rewards and ends of
episodes are the same, byte for byte, and a state of one loads into the other. So are frames without backgrounds (4,096
of 4,096). With backgrounds about a quarter of them differ, in .05 % (easy) or .15 % (hard) of all pixels, nine in ten
of which by less than 20 of 255. So every result says which wheel drew its frames (`game_version`).
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
import types
import warnings
import weakref
from importlib import metadata
from typing import Any, Protocol

import numpy as np
from jaxtyping import Bool, Float32, Int, UInt8

WHEELS = ("procgen-mirror", "procgen-gym")
"""Distributions that bring the library, in the order in which they are looked for."""

_STATE_BUFFER = 2**20


class Library(Protocol):
    """``num`` games of the library. Nothing is checked here: a bad value ends the process (see `Engine`)."""

    def act(self, actions: Int[np.ndarray, " num"]) -> None: ...
    def observe(self) -> tuple[Float32[np.ndarray, " num"], UInt8[np.ndarray, "num 64 64 3"], Bool[np.ndarray, " num"]]:
        """Reward of the last step, frame now, and whether the frame is the first of an episode."""
        ...

    def get_state(self, slot: int) -> bytes: ...
    def set_state(self, slot: int, data: bytes) -> None: ...
    def close(self) -> None: ...


def game_version() -> tuple[str, str]:
    """Name and version of the wheel that draws the frames, such as ``("procgen-mirror", "0.10.7")``.

    Raises:
        ImportError: neither is installed.
    """
    for name in WHEELS:
        try:
            return name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    wanted = WHEELS[sys.version_info >= (3, 13)]
    raise ImportError(f"the game is not installed: {' and '.join(WHEELS)} are both absent. Do: pip install {wanted}")


def open_library(num: int, *, options: dict[str, Any], threads: int, game: str = "coinrun") -> Library:
    """``num`` games stepped together, at levels that are nobody's choice until a state is set.

    Args:
        options: the library's own, by name, such as ``distribution_mode``.
        threads: 0 steps them in the calling thread.
        game: any of the library's sixteen.
    """
    kind = {"procgen-mirror": _Mirror, "procgen-gym": _Gym}[game_version()[0]]
    # The seed only decides levels that nobody asked for: every game is given its level or state before it counts.
    return kind(num, env_name=game, num_threads=threads, rand_seed=0, **options)


class _Binding:
    """What the two wheels' own classes have in common."""

    def __init__(self, env: Any, threads: int) -> None:
        self._env = env
        if threads:
            _THREADED.add(self)

    def act(self, actions: Int[np.ndarray, " num"]) -> None:
        self._env.act(actions)

    def set_state(self, slot: int, data: bytes) -> None:
        self._env.call_c_func("set_state", int(slot), data, len(data))

    def close(self) -> None:
        self._env.close()

    def abandon(self) -> None:
        """Keep the wheel's object for ever: giving it back waits for its threads, and a forked child has none."""
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._env))


_THREADED: weakref.WeakSet[_Binding] = weakref.WeakSet()
"""The games with threads: a process forked off has the games, but not the threads."""


def _after_fork() -> None:
    for binding in _THREADED:
        binding.abandon()


os.register_at_fork(after_in_child=_after_fork)


class _Mirror(_Binding):
    """The library as ``procgen-mirror`` binds it (gym3, cffi)."""

    def __init__(self, num: int, *, num_threads: int, **options: Any) -> None:
        super().__init__(_game_class()(num=num, num_threads=num_threads, **options), num_threads)
        self._buffer = self._env._ffi.new(f"char[{_STATE_BUFFER}]")

    def observe(self) -> tuple[Float32[np.ndarray, " num"], UInt8[np.ndarray, "num 64 64 3"], Bool[np.ndarray, " num"]]:
        reward, frame, first = self._env.observe()
        return reward, frame["rgb"], first

    def get_state(self, slot: int) -> bytes:
        length = self._env.call_c_func("get_state", int(slot), self._buffer, _STATE_BUFFER)
        return bytes(self._env._ffi.buffer(self._buffer, length))


class _Gym(_Binding):
    """The library as ``procgen-gym`` binds it (gymnasium, ctypes)."""

    def __init__(self, num: int, *, num_threads: int, **options: Any) -> None:
        from procgen_gym import ProcgenVecEnv  # pyright: ignore[reportMissingImports]

        # gymnasium's class sets the states of all games or of none; the binding below it sets one.
        super().__init__(ProcgenVecEnv(num_envs=num, num_threads=num_threads, **options)._clib, num_threads)
        self._buffer = ctypes.create_string_buffer(_STATE_BUFFER)

    def observe(self) -> tuple[Float32[np.ndarray, " num"], UInt8[np.ndarray, "num 64 64 3"], Bool[np.ndarray, " num"]]:
        first, frame, reward, _ = self._env.observe()
        return reward, frame["rgb"], first.astype(bool)

    def get_state(self, slot: int) -> bytes:
        length = self._env.call_c_func("get_state", int(slot), self._buffer, _STATE_BUFFER)
        return ctypes.string_at(self._buffer, length)


@functools.cache
def _game_class() -> Any:
    """The mirror's class of games, without gym: its package registers gym ids when imported, and gym prints a notice.

    Whoever imports the package, or asks gym for ``procgen:procgen-coinrun-v0``, still gets it whole: what was imported
    here keeps its submodules (and the library is loaded once), but the package itself is forgotten.
    """
    package, hook = "procgen", "procgen.gym_registration"
    if package not in sys.modules:
        stand_in: Any = types.ModuleType(hook)
        stand_in.register_environments = lambda: None
        sys.modules[hook] = stand_in
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)  # it leaves its version file open
                from procgen.env import ProcgenGym3Env
        finally:
            sys.modules.pop(hook, None)
            sys.modules.pop(package, None)
        return ProcgenGym3Env
    from procgen.env import ProcgenGym3Env

    return ProcgenGym3Env
