"""Non-negative matrix factorisation of a layer: of its activations, or of their attributions to the output.

Every cell of every frame is a sample, its channels the features (Olah et al. 2018). Hilton et al. 2020 ("Understanding
RL Vision") found the factors of attributions easier to interpret than those of activations. Attributions have both
signs: a cell's positive and negative parts are two samples, so that a factor is a set of channels that matter together,
whichever way, and its map is the difference of the two.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from mechinterp.features.errors import FeatureError

_SAMPLES = 6000
_ITERATIONS = 400

Maps = Float[np.ndarray, "frames channels side side"]


@dataclass(frozen=True, eq=False)
class NonNegativeFactors:
    """The factors of a layer.

    Attributes:
        components: how much of each channel is in each factor; rows of norm 1.
        explained: share of the sum of squares on the held-out part that the factors reconstruct.
    """

    components: Float64[np.ndarray, "factors channels"]
    explained: float

    def __len__(self) -> int:
        return len(self.components)

    def __repr__(self) -> str:
        factors, channels = self.components.shape
        return f"NonNegativeFactors({factors} of {channels} channels, {self.explained:.0%} explained)"

    def maps(self, values: Maps) -> Float64[np.ndarray, "frames factors side side"]:
        """How much of each factor is at each cell; negative where attributions are."""
        rows = _rows(values)
        found = _solve(rows.clip(0), self.components)
        if rows.min() < 0:
            found = found - _solve((-rows).clip(0), self.components)
        side = values.shape[-1]
        return found.reshape(len(values), side, side, len(self)).transpose(0, 3, 1, 2)


def fit_nmf(values: Maps, held: Maps, *, factors: int, rng: np.random.Generator) -> NonNegativeFactors:
    """Factors of `values`, evaluated on `held` (frames of other levels).

    Args:
        values: activations or attributions of a layer with maps.
        factors: how many.

    Raises:
        FeatureError: no maps, all zeros (a dead layer), or more factors than channels that are ever active.
    """
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    if values.ndim != 4 or held.ndim != 4:
        raise FeatureError(f"factors need maps [frames, channels, side, side], got {list(values.shape)}")
    rows = _rows(values)
    samples = np.concatenate([rows.clip(0), (-rows).clip(0)]) if rows.min() < 0 else rows
    active = int((samples.max(0) > 0).sum())
    if not 1 <= factors <= active:
        raise FeatureError(
            f"{factors} factors of a layer in which {active} of {rows.shape[1]} channels are ever active"
        )
    samples = samples[samples.any(1)]
    samples = samples[rng.permutation(len(samples))[:_SAMPLES]]
    seed = int(rng.integers(2**31))
    model = NMF(n_components=factors, init="nndsvda", max_iter=_ITERATIONS, random_state=seed)  # pyright: ignore[reportArgumentType]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # how good they are is measured on other levels below
        model.fit(samples)
    norm = np.linalg.norm(model.components_, axis=1, keepdims=True)
    made = NonNegativeFactors((model.components_ / np.maximum(norm, 1e-12)).astype(np.float64), 0.0)
    target = _rows(held)
    reconstruction = _rows(made.maps(held)) @ made.components
    total = float((target**2).sum())
    explained = 1 - float(((target - reconstruction) ** 2).sum()) / total if total > 0 else 0.0
    return NonNegativeFactors(made.components, explained)


def _rows(values: np.ndarray) -> Float64[np.ndarray, "cells channels"]:
    return values.transpose(0, 2, 3, 1).reshape(-1, values.shape[1]).astype(np.float64)


def _solve(
    rows: Float64[np.ndarray, "cells channels"], components: Float64[np.ndarray, "factors channels"]
) -> Float64[np.ndarray, "cells factors"]:
    """Non-negative least squares by multiplicative updates (Lee & Seung 2001), the components held fixed."""
    cross, gram = rows @ components.T, components @ components.T
    found = np.full_like(cross, cross.mean() + 1e-9)
    for _ in range(100):
        found *= cross / np.maximum(found @ gram, 1e-12)
    return found
