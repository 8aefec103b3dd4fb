"""Where in a channel's map the coin shows: how far from the coin, and how closely around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from mechinterp.features.contrasting import Channel
from mechinterp.features.counterfactuals import COIN, CounterfactualScenes
from mechinterp.features.receptive import Grid, grids
from mechinterp.policies.graph import Policy
from mechinterp.stats import Estimate, mean, means

_SCENES = 64


@dataclass(frozen=True, kw_only=True)
class Whereabouts:
    """The receptive place of one channel: where its map changes when a coin is put into the scene.

    Attributes:
        hook, channel: which.
        right, below: middle of the change (weighted by its absolute value) minus the coin's, in pixels of the frame.
        around: share of the change within the 3 x 3 cells around the coin.
    """

    hook: str
    channel: int
    right: Estimate
    below: Estimate
    around: Estimate


@torch.no_grad()
def whereabouts(
    policy: Policy, scenes: CounterfactualScenes, channels: Sequence[Channel], *, rng: np.random.Generator
) -> list[Whereabouts]:
    """Where each of these channels changes with the coin, from up to 64 scenes; rows of numbers are left out.

    Scenes in which a channel does not change at all are left out for it, and a channel that changes in scenes of fewer
    than two levels altogether.
    """
    where = grids(policy)
    rows = np.arange(len(scenes.coin))[:: max(1, -(-len(scenes.coin) // _SCENES))]
    places, levels = scenes.objects[COIN].places[rows], scenes.levels[rows]
    both = [torch.from_numpy(frames[rows]) for frames in (scenes.coin.clean, scenes.coin.corrupted)]
    found = []
    for hook in dict.fromkeys(hook for hook, _ in channels):
        grid = where[hook]
        if grid is None:
            continue
        there, gone = (policy.activations(frames, hook) for frames in both)
        change = (there - gone).abs().double().cpu().numpy()
        for channel in [c for h, c in channels if h == hook]:
            table = _table(change[:, channel], places, grid)
            heard = ~np.isnan(table).any(1)
            if len(np.unique(levels[heard])) < 2:
                continue
            what = f"change of the map of {hook} channel {channel}"
            names = [f"{what}: {part}" for part in ("pixels right of the coin", "pixels below it", "share around it")]
            seen, by = table[heard], levels[heard]
            right, below = means(seen[:, :2], names=names[:2], unit="levels", rng=rng, clusters=by)
            share = seen[:, 2].clip(0, 1)  # rounding
            around = mean(share, name=names[2], unit="levels", rng=rng, clusters=by, bounds=(0, 1))
            found.append(Whereabouts(hook=hook, channel=channel, right=right, below=below, around=around))
    return found


def _table(
    change: Float[np.ndarray, "scenes side side"], places: Float[np.ndarray, "scenes 2"], grid: Grid
) -> Float[np.ndarray, "scenes 3"]:
    """Columns to the right, rows below (pixels), and the share around the coin; NaN where nothing changes."""
    total = change.sum((1, 2))
    weight = np.divide(change, total[:, None, None], out=np.full_like(change, np.nan), where=total[:, None, None] > 0)
    at = grid.centre + grid.stride * np.arange(grid.side)
    row, column = weight.sum(2) @ at, weight.sum(1) @ at
    cells = grid.nearest(places)
    near = np.abs(np.arange(grid.side)[None] - cells[:, :, None]) <= 1
    around = np.einsum("sij,si,sj->s", weight, near[:, 0].astype(float), near[:, 1].astype(float))
    return np.column_stack([column - places[:, 1], row - places[:, 0], around])
