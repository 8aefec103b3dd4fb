"""The same effect by circumstance, with other objects in the coin's place, and in states of the policy's own play."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64

from mechinterp import stats
from mechinterp.coinrun.scenes import OBJECTS, MinimalPairs, SceneError
from mechinterp.experiments.plan import generator
from mechinterp.experiments.total_effect.result import ObjectEffect, Stratum
from mechinterp.policies.graph import Policy
from mechinterp.policies.readouts import READOUTS
from mechinterp.proxies import pair_differences
from mechinterp.stats import Estimate

KINDS = ("colour", "pixels", "thing", "place")
"""Kinds of objects that stand where the coin stands, or above it."""
_FEWEST = 10
"""Levels with room for an object, for it to be compared."""


@dataclass(frozen=True, kw_only=True)
class Controls:
    """What stands next to an effect.

    Attributes:
        strata: by variable, as in `VariableEffects`.
        objects, same_scenes, own_play: as in `Result`.
    """

    strata: Mapping[str, dict[str, dict[str, Stratum]]] = field(default_factory=dict)
    objects: dict[str, ObjectEffect] = field(default_factory=dict)
    same_scenes: dict[str, Estimate] = field(default_factory=dict)
    own_play: dict[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """Paired differences by readout, and the level of each pair."""

    differences: Mapping[str, Float64[np.ndarray, " pairs"]]
    levels: np.ndarray

    @classmethod
    def of(cls, policy: Policy, pairs: MinimalPairs) -> Measured:
        """Those of readouts about actions."""
        acting = {name: readout for name, readout in READOUTS.items() if readout.acts}
        return cls(pair_differences(policy, pairs, acting), pairs.levels)

    def at(self, rows: np.ndarray) -> Measured:
        """Those of these pairs."""
        return Measured({name: values[rows] for name, values in self.differences.items()}, self.levels[rows])

    def estimates(self, words: str, rng: np.random.Generator) -> dict[str, Estimate]:
        """The mean of each, compared with 0."""
        return {
            name: stats.effect(values, name=f"{words} on {name}", unit="levels", rng=rng, clusters=self.levels)
            for name, values in self.differences.items()
        }


def strata(measured: Measured, pairs: MinimalPairs, *, fewest: int, seed: int) -> dict[str, dict[str, Stratum]]:
    """The effect by circumstance: what pairs differ in -> how -> the effects of those that do."""
    found: dict[str, dict[str, Stratum]] = {}
    for (name, label), mask in pairs.strata.masks().items():
        words = f"total effect of {pairs.variable}, {name} {label}"
        levels = len(np.unique(pairs.levels[mask]))
        own = measured.at(mask).estimates(words, generator(seed, words)) if levels >= fewest else {}
        found.setdefault(name, {})[label] = Stratum(levels=levels, effects=own)
    return found


def objects(policy: Policy, pairs: MinimalPairs, *, seed: int) -> dict[str, ObjectEffect]:
    """The same pairs with each object instead of the coin, and by how much the coin's effect exceeds it."""
    coin, made = Measured.of(policy, pairs), {}
    for name, one in OBJECTS.items():
        if one.kind not in KINDS:
            continue
        try:
            swapped = pairs.with_object(name)
        except SceneError:
            continue  # no room for it in any of these scenes
        if swapped.pairs.n_levels < _FEWEST:
            continue
        rng = generator(seed, f"{name} instead of coin")
        own, same = Measured.of(policy, swapped.pairs), coin.at(swapped.rows)
        lead = Measured({key: same.differences[key] - own.differences[key] for key in own.differences}, own.levels)
        made[name] = (
            one.kind,
            own.estimates(f"effect of the side of the {name}", rng),
            lead.estimates(f"effect of the coin's side minus that of the {name}", rng),
        )
    readouts = [name for name, readout in READOUTS.items() if readout.acts]
    corrected = {key: _holm({name: leads[key] for name, (_, _, leads) in made.items()}) for key in readouts}
    return {
        name: ObjectEffect(kind=kind, effects=own, leads={key: corrected[key][name] for key in readouts})
        for name, (kind, own, _) in made.items()
    }


def in_scenes(policy: Policy, pairs: MinimalPairs, *, seed: int) -> dict[str, Estimate]:
    """The effect in these pairs, by readout about actions."""
    words = f"total effect of {pairs.variable}, {pairs.counted}"
    return Measured.of(policy, pairs).estimates(words, generator(seed, words))


def _holm(leads: Mapping[str, Estimate]) -> dict[str, Estimate]:
    return dict(zip(leads, stats.correct(list(leads.values()), method="holm"), strict=True))
