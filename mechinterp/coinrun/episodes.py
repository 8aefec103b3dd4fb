"""How episodes end, and all that is needed to go on with those that have not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Ending(IntEnum):
    """How an episode ended, as far as reward and clock tell (`policies.rollouts` tells the causes of death apart)."""

    GOAL = 1
    DIED = 2
    TIMEOUT = 3


@dataclass(frozen=True)
class EnvSnapshot:
    """Everything that a `CoinRunEnv` needs to go on as if it had never stopped."""

    states: tuple[bytes, ...]
    levels: tuple[tuple[int, int], ...]
    """(level seed, end column) of each slot."""
    returns: tuple[float, ...]
    lengths: tuple[int, ...]
    rng: dict[str, Any]
    coin_pays: tuple[float, ...] = ()
    """Of each slot, what the coin pays as a share of the reward; empty in older snapshots: all of it."""
    drawn: int | None = None
    """How many levels the environment has drawn since its last reset; None in older snapshots, which did not count."""
