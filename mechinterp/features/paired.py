"""Minimal pairs read at the object's place: the activations that `contrasting.Contrasts` are made of."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from jaxtyping import Bool, Float, Int64, UInt8

from mechinterp.features.contrasting import Contrasts
from mechinterp.features.errors import FeatureError
from mechinterp.features.reading import BATCH, Reading, read_places
from mechinterp.features.receptive import grids
from mechinterp.policies.graph import Policy
from mechinterp.policies.hooks import Names
from mechinterp.policies.nodes import FRAME
from mechinterp.policies.stages import stage_outputs


class Pairs(Protocol):
    """What a contrast reads of minimal pairs; `scenes.MinimalPairs` has these."""

    @property
    def variable(self) -> str: ...
    @property
    def clean(self) -> UInt8[np.ndarray, "pairs 64 64 3"]: ...
    @property
    def corrupted(self) -> UInt8[np.ndarray, "pairs 64 64 3"]: ...
    @property
    def levels(self) -> Int64[np.ndarray, " pairs"]: ...
    def coin_cells(self, side: int, which: Any) -> Int64[np.ndarray, "pairs 2"]: ...


def contrasts(
    policy: Policy,
    pairs: Pairs,
    *,
    hooks: Names = None,
    places: Float[np.ndarray, "pairs 2"] | None = None,
    radius: int = 1,
    batch: int = BATCH,
) -> Contrasts:
    """Run the policy on both scenes of every pair and read each layer at the object's place.

    The place is the cell whose receptive field centres nearest to the object, with its neighbours (their mean: it is
    linear, so present minus absent is just the change, it favours neither sign, and it allows for a response that is
    displaced by a cell). Both scenes are read at the same place. Only what is read there is kept.

    Args:
        pairs: minimal pairs, the object present in the clean scene and absent, or elsewhere, in the corrupted one.
        hooks: which hook points; by default those of `stage_outputs`.
        places: (row, column) of the object, in pixels of the frame, NaN or negative where it is out of view; by default
            the coin's, from `pairs.coin_cells`. Pairs without the object in view are left out and counted.
        radius: neighbours read on each side of the cell.
        batch: frames per forward pass.

    Raises:
        UnknownHook, EmptySelection: see `Policy.select`.
        FeatureError: the object is in view in no pair; places or frames of another shape.
    """
    names = policy.select(stage_outputs(policy) if hooks is None else hooks)
    if places is None:
        cells = pairs.coin_cells(FRAME, "clean")
        places = np.where(cells >= 0, cells + 0.5, np.nan)
    places = np.asarray(places, np.float64)
    if places.shape != (len(pairs.levels), 2):
        raise FeatureError(f"places must be (row, column) for each of {len(pairs.levels)} pairs, got {places.shape}")
    seen = np.flatnonzero((places >= 0).all(1))
    if not len(seen):
        raise FeatureError(
            f"{pairs.variable}: the object is in view in none of the {len(places)} clean scenes; for something other "
            "than a coin, say where it is (places=)"
        )
    both = [
        read_places(policy, frames[seen], places[seen], names, radius=radius, batch=batch)
        for frames in (pairs.clean, pairs.corrupted)
    ]
    present, absent = both
    where = grids(policy)
    return Contrasts(
        variable=pairs.variable,
        present={name: present[name].values for name in names},
        absent={name: absent[name].values for name in names},
        dead={name: dead_channels(present[name], absent[name]) for name in names},
        sides={name: grid.side if (grid := where[name]) else 0 for name in names},
        levels=np.asarray(pairs.levels)[seen],
        out_of_view=len(places) - len(seen),
    )


def dead_channels(first: Reading, second: Reading) -> Bool[np.ndarray, " channels"]:
    """Channels with one value everywhere in both readings."""
    return np.minimum(first.low, second.low) == np.maximum(first.high, second.high)
