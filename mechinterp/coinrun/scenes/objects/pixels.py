"""The coin's pixels shuffled; and squares as large as the coin, in its mean colour or a gem's."""

from __future__ import annotations

import numpy as np

from mechinterp.coinrun.scenes.objects.object import Frame, Object

_GEM = (40, 190, 235)
"""About the blue of the gems of other Procgen games."""


def _shuffled(coin: Frame, bare: Frame, changed: np.ndarray, rng: np.random.Generator) -> Frame:
    frame = bare.copy()
    frame[changed] = rng.permutation(coin[changed])
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
    Object("shuffled coin", "pixels", paint=_shuffled, order=10),
    Object("coin-coloured square", "pixels", paint=_square, order=11),
    Object("gem-coloured square", "pixels", paint=_gem, order=12),
)
