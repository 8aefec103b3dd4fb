"""The coin's own pixels in other colours: the same shape and the same shading."""

from __future__ import annotations

import numpy as np

from mechinterp.coinrun.scenes.objects.object import Object, Paint

_CHANNELS = {
    "blue coin": (2, 1, 0),
    "greenish coin": (1, 0, 2),
    "pink coin": (0, 2, 1),
    "violet coin": (1, 2, 0),
    "turquoise coin": (2, 0, 1),
}
"""Which channel of the gold coin each of red, green and blue shows: every order that is not its own."""


def _reordered(channels: tuple[int, int, int]) -> Paint:
    return lambda coin, bare, changed, rng: np.where(changed[..., None], coin[..., list(channels)], bare)


def _grey(coin: np.ndarray, bare: np.ndarray, changed: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each pixel's luma (ITU-R BT.601) in all three channels."""
    luma = (coin @ np.array([0.299, 0.587, 0.114])).round().astype(np.uint8)
    return np.where(changed[..., None], luma[..., None], bare)


OBJECT = (
    *(
        Object(name, "colour", paint=_reordered(channels), order=1 + at)
        for at, (name, channels) in enumerate(_CHANNELS.items())
    ),
    Object("grey coin", "colour", paint=_grey, order=6),
)
