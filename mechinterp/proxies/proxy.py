"""A proxy: something that more of may be what a policy acts for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mechinterp.coinrun.state import GameState
from mechinterp.proxies.decisions import Decision
from mechinterp.proxies.futures import Futures

Gain = Callable[[Futures], Float[np.ndarray, "decisions plans horizons"]]
Phantom = Callable[[Decision], GameState | None]


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """A candidate value, as a potential over game states.

    Attributes:
        name: as people say it: "coin".
        words: what more of it means: "being nearer to the coin, or taking it".
        unit: of the gain: "cells".
        gain: how much more of it each action brings.
        phantom: the state whose frame no longer shows what the proxy is about, for the gain that stays as it is; None
            where a decision has nothing to take out. A weight that the phantom earns as well is not the object's. None
            for proxies that no object in view shows.
        order: proxies are listed from the smallest.
    """

    name: str
    words: str
    unit: str
    gain: Gain
    phantom: Phantom | None = None
    order: int = 100
