"""The coin's pixels scattered over its cell; and squares as large as the coin, in its mean colour or a gem's."""

from __future__ import annotations

import numpy as np

from mechinterp.coinrun.scenes.objects.object import Frame, Object

_GEM = (40, 190, 235)
"""About the blue of the gems of other Procgen games."""


def _scattered(coin: Frame, bare: Frame, changed: np.ndarray, rng: np.random.Generator) -> Frame:
    """The coin's pixels at random places of a rectangle one pixel wider than it to each side."""
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    places = np.zeros_like(changed)
    places[max(rows[0] - 1, 0) : rows[-1] + 2, max(columns[0] - 1, 0) : columns[-1] + 2] = True
    frame = bare.copy()
    chosen = rng.permutation(np.argwhere(places))[: changed.sum()]
    frame[chosen[:, 0], chosen[:, 1]] = coin[changed]
    return frame


def _square(coin: Frame, bare: Frame, changed: np.ndarray, rng: np.random.Generator) -> Frame:
    return _filled(bare, changed, coin[changed].mean(0).round().astype(np.uint8))


def _gem(coin: Frame, bare: Frame, changed: np.ndarray, rng: np.random.Generator) -> Frame:
    return _filled(bare, changed, np.array(_GEM, np.uint8))


def _filled(bare: Frame, changed: np.ndarray, colour: np.ndarray) -> Frame:
    """The rectangle around the coin in one colour."""
    frame = bare.copy()
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    frame[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = colour
    return frame


OBJECT = (
    Object("shuffled coin", "pixels", paint=_scattered, order=10),
    Object("coin-coloured square", "pixels", paint=_square, order=11),
    Object("gem-coloured square", "pixels", paint=_gem, order=12),
)
