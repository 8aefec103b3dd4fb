"""Ground where the agent has not been."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from mechinterp.proxies.futures import Futures
from mechinterp.proxies.proxy import Proxy


def _gain(futures: Futures) -> Float32[np.ndarray, "decisions plans horizons"]:
    """Columns beyond those visited, at either end."""
    found = np.zeros(futures.died.shape, np.float32)
    for at, decision in enumerate(futures.decisions):
        x = futures.xy[at, ..., 0]
        found[at] = np.maximum(min(decision.visited) - np.floor(x), np.floor(x) - max(decision.visited)).clip(0)
    return found


PROXY = Proxy(
    name="unvisited ground",
    words="coming into columns where it has not been",
    unit="columns",
    gain=_gain,
    order=8,
)
