"""What a linear probe decodes from each layer, and how much of it the network put there.

A number that can be decoded need not be represented: pixels already hold the whole scene, and random layers keep most
of it. So each probe is compared with the same probe on the raw pixels and on the same layer of untrained networks, and
what is reported is the score above the better of them, on levels that the probe was not fitted on, with shuffled labels
for a null (control tasks, Hewitt & Liang 2019; baselines as in Bush et al. 2025).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int64, UInt8

from mechinterp.features.errors import FeatureError
from mechinterp.features.frames import Frames, frame_array
from mechinterp.features.world import Label
from mechinterp.policies.controls import untrained
from mechinterp.policies.graph import Policy
from mechinterp.policies.hooks import Names
from mechinterp.policies.stages import stage_outputs
from mechinterp.stats import Estimate, Null, mean, ridge

PIXELS = "pixels"
FEWEST = 10
"""Scenes of each class, and levels, without which a probe is not worth fitting."""

ProbeKind = Literal["class", "number", "place"]
ScoreRows = Float64[np.ndarray, "scenes shuffles"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Probe:
    """How well one variable can be decoded from one layer.

    Attributes:
        label, hook: what was decoded, and where.
        kind: "class" (scores are balanced accuracies, chance 0.5), "number" (R squared, chance 0) or "place" (share of
            correct guesses).
        score: on held-out levels; its null has the labels shuffled (`shuffled`).
        baselines: the same score of the same probe on the pixels and on untrained networks.
        above: score minus that of the better baseline, scene by scene.
        best_baseline: which that is.
    """

    label: str
    hook: str
    kind: ProbeKind
    score: Estimate
    baselines: dict[str, Estimate]
    above: Estimate
    best_baseline: str

    def __repr__(self) -> str:
        return (
            f"Probe({self.label!r} from {self.hook}: {self.score}; {self.above.value:+.2f} above {self.best_baseline})"
        )


def probes(
    policy: Policy,
    frames: Frames,
    levels: Int64[np.ndarray, " scenes"],
    labels: Label | Sequence[Label],
    *,
    rng: np.random.Generator,
    hooks: Names = None,
    networks: Iterable[int] = range(2),
    shuffles: int = 40,
    repeats: int = 2,
    parts: int = 4,
    batch: int = 64,
) -> list[Probe]:
    """Ridge probes for every label at every hook point: whole maps, every place its own weight.

    Args:
        levels: level of each scene; a level is never both fitted on and tested on.
        labels: one or several, from `world.labels` or of your own; scenes where one is NaN are left out for it.
        hooks: by default those of `stage_outputs`.
        networks: seeds of the untrained networks.
        shuffles: shuffled copies of each label; p, two-sided, is at least 2 / (shuffles + 1), and fewer than 39 cannot
            show anything at 5 %.
        repeats: divisions of the levels into parts; a scene's scores are averaged over them.
        parts: parts of the levels; each is tested on by a probe fitted on the others.

    Raises:
        UnknownHook: see `Policy.select`.
        FeatureError: lengths that do not fit, or a label with too few levels, or one class hardly ever.
    """
    names = policy.select(stage_outputs(policy) if hooks is None else hooks)
    frames, labels = frame_array(frames), [labels] if isinstance(labels, Label) else list(labels)
    if any(len(label.values) != len(frames) for label in labels) or len(levels) != len(frames):
        raise FeatureError(f"there are {len(frames)} frames, but not as many levels, or values of every label")
    groups = grouped(labels, levels, shuffles, repeats, parts, rng)
    controls = {f"untrained network {seed}": untrained(policy, seed=seed) for seed in networks}
    pixels = ridge.kernel(frames.transpose(0, 3, 1, 2))
    on_pixels = [group(pixels) for group in groups]
    found = []
    for hook in names:
        own = ridge.kernel(activations(policy, frames, hook, batch))
        others = {name: ridge.kernel(activations(network, frames, hook, batch)) for name, network in controls.items()}
        for group, raw in zip(groups, on_pixels, strict=True):
            scores, compared = group(own), {name: group(gram) for name, gram in others.items()}
            for label in group.labels:
                baselines = {PIXELS: raw[label.name], **{name: rows[label.name] for name, rows in compared.items()}}
                judged = judge(
                    label.name,
                    label.kind,
                    hook,
                    scores[label.name],
                    baselines,
                    group.levels,
                    rng,
                    most=group.most(label),
                )
                found.append(judged)
    order = {label.name: place for place, label in enumerate(labels)}
    return sorted(found, key=lambda probe: (names.index(probe.hook), order[probe.label]))


def grouped(
    labels: Sequence[Label], levels: np.ndarray, shuffles: int, repeats: int, parts: int, rng: np.random.Generator
) -> list[Group]:
    """The labels, those together that are known in the same scenes: they share the costly part of the fits."""
    if len({label.name for label in labels}) != len(labels):
        raise FeatureError(f"two labels have the same name: {sorted(label.name for label in labels)}")
    known: dict[bytes, list[Label]] = {}
    for label in labels:
        known.setdefault(np.isnan(label.values).tobytes(), []).append(label)
    return [Group(same, levels, shuffles, repeats, parts, rng) for same in known.values()]


class Group:
    """Labels with their shuffled copies and divisions of the levels: the same for every layer and network."""

    def __init__(
        self,
        labels: Sequence[Label],
        levels: np.ndarray,
        shuffles: int,
        repeats: int,
        parts: int,
        rng: np.random.Generator,
    ) -> None:
        self.labels = labels
        self.rows = np.flatnonzero(~np.isnan(labels[0].values))
        self.levels = np.asarray(levels)[self.rows]
        self.truth = {}
        for label in labels:
            truth = label.values[self.rows]
            self._check(label, truth)
            copies = [shuffled(truth, self.levels, rng) for _ in range(shuffles)]
            self.truth[label.name] = np.column_stack([truth, *copies])
        self.seeds = rng.integers(2**63, size=repeats)
        self.parts = parts

    def __call__(self, gram: Float64[np.ndarray, "scenes scenes"]) -> dict[str, ScoreRows]:
        """For each label the score of each scene, on the label itself (first column) and on its shuffled copies."""
        own, together = gram[np.ix_(self.rows, self.rows)], np.concatenate([*self.truth.values()], axis=1)
        found: dict[str, list[ScoreRows]] = {label.name: [] for label in self.labels}
        for seed in self.seeds:
            said = ridge.cross_fitted(own, together, self.levels, parts=self.parts, rng=np.random.default_rng(seed))
            for label, part in zip(self.labels, np.split(said, len(self.labels), axis=1), strict=True):
                truth = self.truth[label.name]
                found[label.name].append(ridge.agreement(part, truth, classes=label.kind == "class"))
        return {name: np.mean(scores, axis=0) for name, scores in found.items()}

    def most(self, label: Label) -> float:
        """The greatest score of a scene (see `ridge.agreement`)."""
        share = self.truth[label.name][:, 0].mean()
        return 0.5 / min(share, 1 - share) if label.kind == "class" else 1.0

    def _check(self, label: Label, truth: Float[np.ndarray, " rows"]) -> None:
        name, count = label.name, len(np.unique(self.levels))
        if count < FEWEST:
            raise FeatureError(f"probe {name!r}: its scenes come from {count} levels, at least {FEWEST} are needed")
        if label.kind == "class" and min(truth.sum(), (1 - truth).sum()) < FEWEST:
            raise FeatureError(
                f"probe {name!r}: true in {int(truth.sum())} of {len(truth)} scenes; at least {FEWEST} of each are "
                "needed"
            )
        if np.ptp(truth) == 0:
            raise FeatureError(f"probe {name!r}: all scenes have the same value, {truth[0]:g}")


def judge(
    label: str,
    kind: ProbeKind,
    hook: str,
    scores: ScoreRows,
    baselines: dict[str, ScoreRows],
    levels: Int64[np.ndarray, " scenes"],
    rng: np.random.Generator,
    *,
    most: float = 1.0,
) -> Probe:
    """A `Probe` from the score of each scene: its first column, with the others for a null, and the baselines'.

    Args:
        most: the greatest score of a scene; with classes of unequal size it is that of the rarer one, above 1.
    """
    name = f"{label} from {hook}"

    def estimate(rows: Float64[np.ndarray, " scenes"], what: str, least: float = 0.0) -> Estimate:
        bounds = None if kind == "number" else (least * most, most)
        found = mean(rows, name=what, unit="levels", rng=rng, clusters=levels, bounds=bounds)
        if bounds is None:
            return found
        # The mean of weighted scores lies within these bounds, but for rounding; so does its interval.
        low, value, high = np.clip([found.low, found.value, found.high], least, 1.0).tolist()
        return replace(found, value=value, low=low, high=high)

    score = estimate(scores[:, 0], name)
    null = Null.from_draws(score.value, scores[:, 1:].mean(0), description="labels moved between whole levels")
    others = {other: estimate(rows[:, 0], f"{name}: {other}") for other, rows in baselines.items()}
    best = max(others, key=lambda other: others[other].value)
    above = estimate(scores[:, 0] - baselines[best][:, 0], f"{name}: above {best}", -1)
    return Probe(
        label=label, hook=hook, kind=kind, score=score.against(null), baselines=others, above=above, best_baseline=best
    )


def shuffled(
    truth: Float[np.ndarray, " scenes"], levels: Int64[np.ndarray, " scenes"], rng: np.random.Generator
) -> Float[np.ndarray, " scenes"]:
    """The labels, exchanged so that those of one level stay together: scenes of a level are not independent.

    Every level gets the labels of another (`moved`). Where all levels have as many scenes with 1 as with 0 (a coin put
    there, and none), that would change nothing: there 1 and 0 are exchanged, in all scenes of a level or in none.
    """
    _, index = np.unique(levels, return_inverse=True)
    ones, count = np.bincount(index, truth), np.bincount(index)
    if np.isin(truth, (0, 1)).all() and np.array_equal(2 * ones, count):
        return np.where((rng.random(len(count)) < 0.5)[index], 1 - truth, truth)
    return truth[moved(levels, rng)]


def moved(levels: Int64[np.ndarray, " scenes"], rng: np.random.Generator) -> Int64[np.ndarray, " scenes"]:
    """From which scene each scene gets its label, when labels are moved level by level.

    The levels change places; where they have different numbers of scenes, labels that follow one another stay so.
    """
    _, index = np.unique(levels, return_inverse=True)
    place = rng.permutation(index.max() + 1)[index]
    found = np.empty(len(levels), np.int64)
    found[np.argsort(index, kind="stable")] = np.argsort(place, kind="stable")
    return found


def activations(
    policy: Policy, frames: UInt8[np.ndarray, "scenes 64 64 3"], hook: str, batch: int
) -> Float32[np.ndarray, "scenes channels *place"]:
    """The values at one hook point for all frames."""
    device = next(policy.parameters()).device
    parts = [torch.tensor(frames[at : at + batch], device=device) for at in range(0, len(frames), batch)]
    return np.concatenate([policy.activations(part, hook).cpu().numpy() for part in parts])
