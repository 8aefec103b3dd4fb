"""Where does a layer say that the object is? A 1 x 1 convolutional probe: the same weights at every cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int64, UInt8

from mechinterp.features.errors import FeatureError
from mechinterp.features.frames import Frames, frame_array
from mechinterp.features.probing import FEWEST, PIXELS, Probe, activations, judge, moved
from mechinterp.features.receptive import Grid, grids
from mechinterp.policies.controls import untrained
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.graph import Policy
from mechinterp.policies.hooks import Names
from mechinterp.policies.nodes import FRAME
from mechinterp.policies.stages import stage_outputs
from mechinterp.stats import ridge

NEAR = 7.5
"""Pixels from the object within which a guess counts as correct: about one and a half cells of the game's world."""
GUESS = "always the same place"
_PENALTY = 1e-3


def place_probes(
    policy: Policy,
    frames: Frames,
    levels: Int64[np.ndarray, " scenes"],
    places: Float[np.ndarray, "scenes 2"],
    *,
    name: str,
    rng: np.random.Generator,
    hooks: Names = None,
    networks: Iterable[int] = range(2),
    shuffles: int = 40,
    parts: int = 4,
    batch: int = 64,
) -> list[Probe]:
    """At every hook point with maps: how often the cell with the largest output lies on the object.

    The output is a linear function of a cell's channels, fitted by least squares to 1 at the object's cell and 0
    elsewhere (Fisher's direction), and applied to levels that it was not fitted on. A guess is correct within `NEAR`
    pixels of the object (so that coarse and fine maps are judged alike); the score is the share of correct guesses.

    Baselines: the same probe on the frame averaged down to the layer's resolution, on untrained networks, and the one
    place that is correct most often. For the null the places are moved between whole levels.

    Args:
        places: (row, column) of the object in pixels of the frame; NaN where it is not in view (left out).
        name: what the object is, for the results.

    Raises:
        UnknownHook: see `Policy.select`.
        PolicyError: a hook point without maps.
        FeatureError: too few levels with the object in view.
    """
    where = grids(policy)
    names = policy.select(tuple(h for h in stage_outputs(policy) if where[h]) if hooks is None else hooks)
    if flat := [hook for hook in names if where[hook] is None]:
        raise PolicyError(f"{flat[0]} is a row of numbers, without places; choose hook points with maps")
    frames = frame_array(frames)
    rows = np.flatnonzero(~np.isnan(places).any(1))
    if (have := len(np.unique(levels[rows]))) < FEWEST:
        raise FeatureError(f"probe of the place of {name}: in view in {have} levels, at least {FEWEST} are needed")
    frames, levels, places = frames[rows], levels[rows], places[rows]
    wanted = [places, *(places[moved(levels, rng)] for _ in range(shuffles))]
    part = ridge.folds(levels, parts, rng)
    controls = {f"untrained network {seed}": untrained(policy, seed=seed) for seed in networks}
    blind = _blind(places, part)
    found = []
    for hook in names:
        grid = where[hook]
        assert grid is not None
        own = _score(activations(policy, frames, hook, batch), grid, wanted, part)
        baselines = {
            PIXELS: _score(_shrunk(frames, grid.side), _tiles(grid.side), wanted[:1], part),
            GUESS: blind,
            **{
                other: _score(activations(network, frames, hook, batch), grid, wanted[:1], part)
                for other, network in controls.items()
            },
        }
        found.append(judge(f"place of {name}", "place", hook, own, baselines, levels, rng))
    return found


def _score(
    maps: Float32[np.ndarray, "scenes channels side side"],
    grid: Grid,
    wanted: Sequence[Float[np.ndarray, "scenes 2"]],
    part: Int64[np.ndarray, " scenes"],
) -> Float64[np.ndarray, "scenes wanted"]:
    """1 where the guess is near the wanted place, else 0; for each of several lists of places."""
    cells = maps.reshape(*maps.shape[:2], -1)
    spread = cells.std(axis=(0, 2), keepdims=True)
    cells = np.divide(cells - cells.mean((0, 2), keepdims=True), spread, out=np.zeros_like(cells), where=spread > 0)
    everyone = np.arange(len(cells))
    targets = [grid.nearest(places) @ (grid.side, 1) for places in wanted]
    scores = np.empty((len(cells), len(wanted)))
    for fold in range(part.max() + 1):
        train, test = np.flatnonzero(part != fold), np.flatnonzero(part == fold)
        flat = cells[train].transpose(1, 0, 2).reshape(cells.shape[1], -1)
        cross = (flat @ flat.T).astype(np.float64) / flat.shape[1]
        cross[np.diag_indices_from(cross)] += _PENALTY * max(np.trace(cross) / len(cross), 1e-12)
        at_object = np.stack([cells[everyone, :, target][train].mean(0) for target in targets], 1)
        weights = np.linalg.solve(cross, at_object.astype(np.float64)).astype(np.float32)
        guess = np.einsum("scp,cw->swp", cells[test], weights).argmax(2)
        pixels = grid.centre + grid.stride * np.stack(np.divmod(guess, grid.side), -1)
        for column, places in enumerate(wanted):
            scores[test, column] = _near(pixels[:, column], places[test])
    return scores


def _blind(
    places: Float[np.ndarray, "scenes 2"], part: Int64[np.ndarray, " scenes"]
) -> Float64[np.ndarray, "scenes 1"]:
    """The same for the one place, among those in the training part, that is near most of the others."""
    scores = np.empty((len(places), 1))
    for fold in range(part.max() + 1):
        train, test = places[part != fold], part == fold
        best = train[np.argmax([_near(train, place).sum() for place in train])]
        scores[test, 0] = _near(places[test], best)
    return scores


def _near(guess: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return np.hypot(*np.moveaxis(guess - truth, -1, 0)) <= NEAR


def _shrunk(frames: UInt8[np.ndarray, "scenes 64 64 3"], side: int) -> Float32[np.ndarray, "scenes 3 side side"]:
    """The frames averaged over as many tiles as a map has cells."""
    images = torch.from_numpy(np.array(frames)).permute(0, 3, 1, 2).float()
    return torch.nn.functional.adaptive_avg_pool2d(images, side).numpy()


def _tiles(side: int) -> Grid:
    size = FRAME / side
    return Grid(side, size, size / 2, size)
