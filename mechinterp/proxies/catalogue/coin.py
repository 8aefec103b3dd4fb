"""The coin."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from mechinterp.coinrun import edits
from mechinterp.coinrun.state import GameState
from mechinterp.proxies.decisions import Decision
from mechinterp.proxies.futures import Futures
from mechinterp.proxies.potentials import nearer_to
from mechinterp.proxies.proxy import Proxy

_nearer = nearer_to(lambda decision: decision.state.coins)


def _gain(futures: Futures) -> Float32[np.ndarray, "decisions plans horizons"]:
    """Steps nearer; one more where the coin is taken, in whose cell the agent otherwise never comes to rest."""
    return _nearer(futures) + futures.took


def _phantom(decision: Decision) -> GameState | None:
    return edits.remove_coin(decision.state) if decision.state.coins else None


PROXY = Proxy(
    name="coin",
    words="being nearer to the coin, or taking it",
    unit="cells",
    gain=_gain,
    phantom=_phantom,
    order=1,
)
