"""Staying where it is."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from mechinterp.proxies.futures import Futures
from mechinterp.proxies.proxy import Proxy

NEAR = 0.5
"""Cells sideways within which it has stayed."""


def _gain(futures: Futures) -> Float32[np.ndarray, "decisions plans horizons"]:
    moved = np.abs(futures.xy[..., 0] - futures.before[:, None, None, 0])
    return (moved < NEAR).astype(np.float32)


PROXY = Proxy(name="standing still", words="staying in its column", unit="times stayed", gain=_gain, order=9)
