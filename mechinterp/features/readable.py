"""What `locate` asks linear probes: the coin, where it is, the end, hazards, and what the policy is about to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64, UInt8

from mechinterp.features.counterfactuals import COIN, CounterfactualScenes
from mechinterp.features.errors import FeatureError
from mechinterp.features.locating import place_probes
from mechinterp.features.probing import FEWEST, Probe, probes
from mechinterp.features.receptive import grids
from mechinterp.features.searching import Searched
from mechinterp.features.world import Label, labels
from mechinterp.policies.graph import Policy
from mechinterp.policies.readouts import readout_values

NATURAL = ("end wall in view", "distance to the end wall", "agent x", "hazard ahead")
_SCENES = 120  # with a coin, and as many without


@dataclass(frozen=True, eq=False)
class _Question:
    frames: UInt8[np.ndarray, "scenes 64 64 3"]
    levels: Int64[np.ndarray, " scenes"]
    labels: list[Label]


def read_out(
    policy: Policy, found: Searched, *, hooks: Sequence[str], rng: np.random.Generator, shuffles: int = 40
) -> tuple[list[Probe], dict[str, str]]:
    """Probes of all that is asked at each of these hook points, and what could not be asked, with the reason.

    The coin's labels are asked of scenes with and without it, the others of natural states; the coin's place (a 1 x 1
    convolution) of those with maps. Every probe has two divisions of the levels.
    """
    scenes = found.scenes
    rows = np.arange(len(scenes.coin))[:: max(1, len(scenes.coin) // _SCENES)]
    left_out: dict[str, str] = {}
    done: list[Probe] = []
    for question in (_of_coin(scenes, rows), _natural(policy, found)):
        good = []
        for label in question.labels:
            why = _unfit(label)
            if why:
                left_out[label.name] = why
            else:
                good.append(label)
        if good:
            done += probes(
                policy, question.frames, question.levels, good, rng=rng, hooks=hooks, shuffles=shuffles, repeats=2
            )
    grid = grids(policy)
    maps = [hook for hook in hooks if grid[hook] is not None]
    places: Float[np.ndarray, "scenes 2"] = scenes.objects[COIN].places[rows]
    if maps:
        try:
            done += place_probes(
                policy, scenes.coin.clean[rows], scenes.levels[rows], places, name="the coin", rng=rng, hooks=maps,
                shuffles=shuffles,
            )  # fmt: skip
        except FeatureError as error:
            left_out["place of the coin"] = str(error)
    return done, left_out


def _of_coin(scenes: CounterfactualScenes, rows: Int64[np.ndarray, " rows"]) -> _Question:
    both = np.concatenate([scenes.coin.clean[rows], scenes.coin.corrupted[rows]])
    there = np.repeat([1.0, 0.0], len(rows))
    side = np.concatenate([scenes.toward[rows] > 0, np.full(len(rows), np.nan)])
    asked = [Label("coin in view", "class", there), Label("coin on the right", "class", side)]
    return _Question(both, np.tile(scenes.levels[rows], 2), asked)


def _natural(policy: Policy, found: Searched) -> _Question:
    says = readout_values(policy, found.frames)
    asked = labels(found.states, NATURAL)
    for name in ("movement", "jump"):
        if np.ptp(says[name]) > 0:
            asked.append(Label(f"{name} log-odds", "number", says[name], "nats"))
    return _Question(found.frames, found.levels, asked)


def _unfit(label: Label) -> str:
    known = label.values[~np.isnan(label.values)]
    if label.kind == "class" and min(known.sum(), (1 - known).sum()) < FEWEST:
        return f"true in {int(known.sum())} of {len(known)} scenes; {FEWEST} of each are needed"
    return "all scenes have the same value" if not len(known) or np.ptp(known) == 0 else ""
