"""What is a factor a factor of? Named by what in the world is where it is active, from the game's state alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64

from mechinterp.coinrun.state import GameState
from mechinterp.features.errors import FeatureError
from mechinterp.features.shares import things
from mechinterp.stats import Estimate, Null, bootstrap

_SHUFFLES = 40


@dataclass(frozen=True, kw_only=True)
class Named:
    """A factor and the thing that predicts it best.

    Attributes:
        factor: its number.
        name: the thing: what `shares.things` knows, also with "left edge of", "right edge of" and "top of" before
            "ground", or "nothing" for a factor that is active nowhere.
        score: the correlation, over the cells of held-out levels, of the factor's map with the share of each cell that
            the thing covers; its null has the maps of different frames exchanged.
    """

    factor: int
    name: str
    score: Estimate


def coverage(states: Sequence[GameState], side: int) -> tuple[list[str], Float64[np.ndarray, "names states side side"]]:
    """How much of each cell of a map each thing covers, 0 to 1."""
    pictures: dict[str, list[np.ndarray]] = {}
    for state in states:
        seen = things(state)
        ground = seen["ground"]
        seen["top of ground"] = ground & ~np.roll(ground, 1, 0)
        seen["left edge of ground"] = ground & ~np.roll(ground, 1, 1)
        seen["right edge of ground"] = ground & ~np.roll(ground, -1, 1)
        for name, mask in seen.items():
            pictures.setdefault(name, []).append(mask)
    names = list(pictures)
    stacked = torch.from_numpy(np.stack([np.stack(pictures[name]) for name in names]).astype(np.float32))
    return names, torch.nn.functional.adaptive_avg_pool2d(stacked, side).double().numpy()


def named(
    maps: Float[np.ndarray, "frames factors side side"],
    states: Sequence[GameState],
    levels: Int64[np.ndarray, " frames"],
    choose: Int64[np.ndarray, " levels"],
    *,
    rng: np.random.Generator,
) -> list[Named]:
    """Name every factor on the levels of `choose`, and score the name on the others.

    Raises:
        FeatureError: not a state and a level for each map, or no frame in one of the two parts.
    """
    if not len(maps) == len(states) == len(levels):
        raise FeatureError(f"naming: {len(maps)} maps, {len(states)} states, {len(levels)} levels; give one of each")
    first = np.isin(levels, choose)
    if not first.any() or first.all():
        raise FeatureError("naming needs frames of the levels that choose the name and of others that score it")
    names, covered = coverage(states, maps.shape[-1])
    flat = covered.reshape(len(names), len(maps), -1)
    found = []
    for factor in range(maps.shape[1]):
        own = maps[:, factor].reshape(len(maps), -1).astype(np.float64)
        fits = [_correlation(_sums(own[first], thing[first]).sum(0)[None])[0] for thing in flat]
        best = int(np.abs(fits).argmax())
        sign = 1.0 if fits[best] >= 0 else -1.0
        x, y, who = sign * own[~first], flat[best][~first], levels[~first]
        sums = _sums(x, y)
        score = bootstrap(
            lambda w, sums=sums: _correlation(w @ sums),
            rows=len(x), name=f"factor/{factor}", unit="levels", rng=rng, clusters=who, resamples=1000,
        )  # fmt: skip
        draws = [_correlation(_sums(x, y[rng.permutation(len(y))]).sum(0)[None])[0] for _ in range(_SHUFFLES)]
        null = Null.from_draws(score.value, np.array(draws), description="maps of different frames exchanged")
        word = "nothing" if not np.ptp(own[first]) else names[best] if sign > 0 else f"no {names[best]}"
        found.append(Named(factor=factor, name=word, score=score.against(null)))
    return found


def _sums(x: Float64[np.ndarray, "frames cells"], y: Float64[np.ndarray, "frames cells"]) -> np.ndarray:
    """What a correlation over cells is made of, frame by frame."""
    ones = np.full(len(x), float(x.shape[1]))
    return np.stack([ones, x.sum(1), y.sum(1), (x * x).sum(1), (y * y).sum(1), (x * y).sum(1)], 1)


def _correlation(sums: Float[np.ndarray, "draws 6"]) -> Float64[np.ndarray, " draws"]:
    n, x, y, xx, yy, xy = sums.T
    spread = np.maximum(xx / n - (x / n) ** 2, 0) * np.maximum(yy / n - (y / n) ** 2, 0)
    return np.divide(xy / n - x * y / n**2, np.sqrt(spread), out=np.zeros(len(n)), where=spread > 1e-20)
