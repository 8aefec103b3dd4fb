"""The coin."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from mechinterp.coinrun import edits
from mechinterp.coinrun.state import GameState
from mechinterp.proxies.futures import Futures
from mechinterp.proxies.moments import Moment
from mechinterp.proxies.potentials import nearer_to
from mechinterp.proxies.proxy import Proxy

_nearer = nearer_to(lambda moment: moment.state.coins)


def _gain(futures: Futures) -> Float32[np.ndarray, "moments plans horizons"]:
    """Steps nearer; one more where the coin is taken, in whose cell the agent otherwise never comes to rest."""
    return _nearer(futures) + futures.took


def _phantom(moment: Moment) -> GameState | None:
    return edits.remove_coin(moment.state) if moment.state.coins else None


PROXY = Proxy(
    name="coin",
    words="being nearer to the coin, or taking it",
    unit="cells",
    gain=_gain,
    phantom=_phantom,
    variable="coin side",
    placements=("coin left",),
    order=1,
)
