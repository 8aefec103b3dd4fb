"""Probe every layer for the coin, its side and place, the end, hazards, and what the policy is about to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, UInt8

from mechinterp.experiments.inputs.localization import LocalizationData, localization_data, localization_hooks
from mechinterp.experiments.probes.result import PLACE, Probe, Result, Untrained
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.features import probing
from mechinterp.features.counterfactuals import COIN, CounterfactualScenes
from mechinterp.features.errors import FeatureError
from mechinterp.features.locating import place_probes
from mechinterp.features.probe_nulls import probe_nulls
from mechinterp.features.receptive import grids
from mechinterp.features.world import Label, labels
from mechinterp.policies.graph import Policy
from mechinterp.policies.readouts import READOUTS, readout_values
from mechinterp.stats import Null

NATURAL = ("end wall in view", "distance to the end wall", "agent x", "hazard ahead")
"""Labels of natural states."""
_SCENES = 120  # with a coin, and as many without


@dataclass(frozen=True)
class Size:
    """How much is probed.

    Attributes:
        shuffles: shuffled copies of each label, for the null.
        repeats: divisions of the levels into parts, over which each scene's score is averaged.
        untrained: networks that the coin's probes are compared with on both sides, more and less; 0 not to ask.
    """

    shuffles: int = 40
    repeats: int = 2
    untrained: int = 20


SIZES = Sizes(full=Size(), quick=Size(untrained=0))


def measure(context: Context[Size]) -> Result:
    """The coin's labels in scenes with and without it, the others in natural states; its place where there are maps."""
    policy, rng, size = context.subject.policy, context.rng, context.size
    data, hooks = context.inputs(localization_data), context.inputs(localization_hooks)
    scenes = data.scenes
    rows = np.arange(len(scenes.coin))[:: max(1, len(scenes.coin) // _SCENES)]
    left_out: dict[str, str] = {}
    done: list[probing.Probe] = []
    for question in (_coin_questions(scenes, rows), _natural_questions(policy, data)):
        reasons = {label.name: _unfit(label) for label in question.labels}
        left_out |= {name: why for name, why in reasons.items() if why}
        good = [label for label in question.labels if not reasons[label.name]]
        if good:
            context.tick(f"probes: {', '.join(label.name for label in good)}")
            done += probing.probes(
                policy, question.frames, question.levels, good, rng=rng, hooks=hooks, shuffles=size.shuffles,
                repeats=size.repeats,
            )  # fmt: skip
    grid = grids(policy)
    maps = [hook for hook in hooks if grid[hook] is not None]
    if maps:
        context.tick(f"probes: {PLACE}")
        try:
            done += place_probes(
                policy, scenes.coin.clean[rows], scenes.levels[rows], scenes.objects[COIN].places[rows],
                name="the coin", rng=rng, hooks=maps, shuffles=size.shuffles,
            )  # fmt: skip
        except FeatureError as error:
            left_out[PLACE] = str(error)
    found = _by_label(done)
    if size.untrained:
        context.tick("probes: untrained networks")
        question = _coin_questions(scenes, rows)
        good = [label for label in question.labels if label.name in found]
        options = {"rng": rng, "hooks": hooks, "networks": data.seeds[: size.untrained]}
        nulls = probe_nulls(policy, question.frames, question.levels, good, **options) if good else {}
        for (label, hook), (own, null) in nulls.items():
            update = {"untrained": _untrained(own, null, len(options["networks"]))}
            found[label][hook] = found[label][hook].model_copy(update=update)
    return Result(hooks=hooks, probes=found, left_out=left_out)


def _untrained(own: float, null: Null, networks: int) -> Untrained:
    assert null.p is not None
    return Untrained(own=own, value=null.value, low=null.low, high=null.high, p=null.p, networks=networks)


@dataclass(frozen=True, eq=False)
class _Question:
    frames: UInt8[np.ndarray, "scenes 64 64 3"]
    levels: Int64[np.ndarray, " scenes"]
    labels: list[Label]


def _coin_questions(scenes: CounterfactualScenes, rows: Int64[np.ndarray, " rows"]) -> _Question:
    both = np.concatenate([scenes.coin.clean[rows], scenes.coin.corrupted[rows]])
    there = np.repeat([1.0, 0.0], len(rows))
    side = np.concatenate([scenes.toward[rows] > 0, np.full(len(rows), np.nan)])
    asked = [Label("coin in view", "class", there), Label("coin on the right", "class", side)]
    return _Question(both, np.tile(scenes.levels[rows], 2), asked)


def _natural_questions(policy: Policy, data: LocalizationData) -> _Question:
    asked = labels(data.states, NATURAL)
    for name, values in readout_values(policy, data.frames).items():
        if READOUTS[name].acts and np.ptp(values) > 0:
            asked.append(Label(f"{name} log-odds", "number", values, READOUTS[name].unit))
    return _Question(data.frames, data.levels, asked)


def _unfit(label: Label) -> str:
    known = label.values[~np.isnan(label.values)]
    least = probing.FEWEST
    if label.kind == "class" and min(known.sum(), (1 - known).sum()) < least:
        return f"true in {int(known.sum())} of {len(known)} scenes; {least} of each are needed"
    return "all scenes have the same value" if not len(known) or np.ptp(known) == 0 else ""


def _by_label(found: Iterable[probing.Probe]) -> dict[str, dict[str, Probe]]:
    by: dict[str, dict[str, Probe]] = {}
    for one in found:
        by.setdefault(one.label, {})[one.hook] = Probe(
            kind=one.kind, score=one.score, above_baseline=one.above, best_baseline=one.best_baseline
        )
    return by
