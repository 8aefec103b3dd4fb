"""What a factor responds to: the object whose position its map fits best, from the game's state alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64

from mechinterp.coinrun.state import GameState
from mechinterp.features.errors import FeatureError
from mechinterp.features.object_shares import object_masks
from mechinterp.stats import Estimate, Null, bootstrap

_SHUFFLES = 40


@dataclass(frozen=True, kw_only=True)
class FactorLabel:
    """A factor and the object that predicts its map best.

    Attributes:
        factor: its number.
        object: a name of `object_masks`, also with "left edge of", "right edge of" and "top of" before "ground"; "no"
            before it where the correlation is negative; "nothing" for a factor that is active nowhere.
        correlation: over the cells of held-out levels, between the factor's map and the share of each cell that the
            object covers; its null has the maps of different frames exchanged.
    """

    factor: int
    object: str
    correlation: Estimate

    def __repr__(self) -> str:
        return f"FactorLabel({self.factor}: {self.object}, r = {self.correlation})"


def coverage(states: Sequence[GameState], side: int) -> tuple[list[str], Float64[np.ndarray, "names states side side"]]:
    """How much of each cell of a map each object covers, 0 to 1."""
    pictures: dict[str, list[np.ndarray]] = {}
    for state in states:
        masks = object_masks(state)
        ground = masks["ground"]
        masks["top of ground"] = ground & ~np.roll(ground, 1, 0)
        masks["left edge of ground"] = ground & ~np.roll(ground, 1, 1)
        masks["right edge of ground"] = ground & ~np.roll(ground, -1, 1)
        for name, mask in masks.items():
            pictures.setdefault(name, []).append(mask)
    names = list(pictures)
    stacked = torch.from_numpy(np.stack([np.stack(pictures[name]) for name in names]).astype(np.float32))
    return names, torch.nn.functional.adaptive_avg_pool2d(stacked, side).double().numpy()


def label_factors(
    maps: Float[np.ndarray, "frames factors side side"],
    states: Sequence[GameState],
    levels: Int64[np.ndarray, " frames"],
    choosing: Int64[np.ndarray, " levels"],
    *,
    rng: np.random.Generator,
) -> list[FactorLabel]:
    """Label every factor on the levels of `choosing`, and score the label on the others.

    Raises:
        FeatureError: not a state and a level for each map, or no frame in one of the two parts.
    """
    if not len(maps) == len(states) == len(levels):
        raise FeatureError(f"labels: {len(maps)} maps, {len(states)} states, {len(levels)} levels; give one of each")
    first = np.isin(levels, choosing)
    if not first.any() or first.all():
        raise FeatureError("labels need frames of the levels that choose the label and of others that score it")
    names, covered = coverage(states, maps.shape[-1])
    flat = covered.reshape(len(names), len(maps), -1)
    found = []
    for factor in range(maps.shape[1]):
        own = maps[:, factor].reshape(len(maps), -1).astype(np.float64)
        fits = [_correlation(_sums(own[first], covers[first]).sum(0)[None])[0] for covers in flat]
        best = int(np.abs(fits).argmax())
        sign = 1.0 if fits[best] >= 0 else -1.0
        x, y, clusters = sign * own[~first], flat[best][~first], levels[~first]
        sums = _sums(x, y)
        word = "nothing" if not np.ptp(own[first]) else names[best] if sign > 0 else f"no {names[best]}"
        correlation = bootstrap(
            lambda w, sums=sums: _correlation(w @ sums),
            rows=len(x), name=f"correlation of factor {factor} with {word}", unit="levels", rng=rng, clusters=clusters,
            resamples=1000,
        )  # fmt: skip
        draws = [_correlation(_sums(x, y[rng.permutation(len(y))]).sum(0)[None])[0] for _ in range(_SHUFFLES)]
        null = Null.from_draws(correlation.value, np.array(draws), description="maps of different frames exchanged")
        found.append(FactorLabel(factor=factor, object=word, correlation=correlation.against(null)))
    return found


def _sums(x: Float64[np.ndarray, "frames cells"], y: Float64[np.ndarray, "frames cells"]) -> np.ndarray:
    """What a correlation over cells is made of, frame by frame."""
    ones = np.full(len(x), float(x.shape[1]))
    return np.stack([ones, x.sum(1), y.sum(1), (x * x).sum(1), (y * y).sum(1), (x * y).sum(1)], 1)


def _correlation(sums: Float[np.ndarray, "draws 6"]) -> Float64[np.ndarray, " draws"]:
    n, x, y, xx, yy, xy = sums.T
    spread = np.maximum(xx / n - (x / n) ** 2, 0) * np.maximum(yy / n - (y / n) ** 2, 0)
    return np.divide(xy / n - x * y / n**2, np.sqrt(spread), out=np.zeros(len(n)), where=spread > 1e-20)
