"""The factors of one layer: of its activations and of its attributions, a sparse autoencoder, and all their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, UInt8
from torch import nn

from mechinterp.coinrun.state import GameState
from mechinterp.features.attribution import attribute
from mechinterp.features.errors import FeatureError
from mechinterp.features.factorisation import (
    Factors,
    Named,
    Recovery,
    Trained,
    factorise,
    named,
    recovery,
    train_sae,
)
from mechinterp.features.probing import activations
from mechinterp.features.scenery import Scenery
from mechinterp.policies.graph import Policy
from mechinterp.policies.stages import stage_outputs

FACTORS = 6
LATENTS_NAMED = 12
ATTRIBUTED = 90
"""Frames whose attributions are factorised: an integral costs as much as a hundred forward passes."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerFactors:
    """One layer taken apart in three ways.

    Attributes:
        hook: the layer.
        activations, attributions: non-negative factors (None where the layer is dead, or nothing is attributed to it).
        names: by "activations", "attributions" and "latents": what each factor, or each of the latents that explain
            most, is a factor of.
        sae: the sparse autoencoder; None where the layer never changes.
        recovery: what the policy does with its reconstruction.
        statement: what could not be done, and why; empty otherwise.
    """

    hook: str
    activations: Factors | None
    attributions: Factors | None
    names: dict[str, tuple[Named, ...]]
    sae: Trained | None
    recovery: Recovery | None
    statement: str


def factored_layer(policy: Policy) -> str:
    """The last layer with maps whose values are never negative.

    Raises:
        FeatureError: the network has none.
    """
    for name in reversed(stage_outputs(policy)):
        node = next(node for node in policy.nodes if node.name == name)
        if len(policy.shapes[name]) == 3 and isinstance(policy.get_submodule(node.module), nn.ReLU):
            return name
    raise FeatureError(f"no layer of {policy.hook_names} has maps behind a ReLU")


def layer_factors(
    policy: Policy,
    states: Sequence[GameState],
    frames: UInt8[np.ndarray, "frames 64 64 3"],
    levels: Int64[np.ndarray, " frames"],
    choosing: Int64[np.ndarray, " levels"],
    scenes: Scenery,
    *,
    rng: np.random.Generator,
    hook: str | None = None,
    steps: int = 600,
) -> LayerFactors:
    """Take a layer apart on the levels of `choosing`, and judge on the others.

    Args:
        states, frames, levels: natural ones; scenes with a coin are added, or the coin would hardly ever be there.
        hook: by default `factored_layer`.
        steps: of training the autoencoder.
    """
    hook = factored_layer(policy) if hook is None else hook
    rows = np.arange(len(scenes.coin))[:: max(1, len(scenes.coin) // 100)]
    with_coin = scenes.coin.states("clean")
    states = [*states, *(with_coin[i] for i in rows)]
    frames = np.concatenate([frames, scenes.coin.clean[rows]])
    levels = np.concatenate([levels, scenes.levels[rows]])
    first = np.isin(levels, choosing)
    values = activations(policy, frames, hook, 64)
    spread = values.reshape(len(values), values.shape[1], -1)
    alive = int((np.ptp(spread, axis=(0, 2)) > 0).sum())
    if not alive:
        words = f"{hook} is dead: none of its {values.shape[1]} channels ever changes"
        return LayerFactors(
            hook=hook, activations=None, attributions=None, names={}, sae=None, recovery=None, statement=words
        )
    names: dict[str, tuple[Named, ...]] = {}
    count = min(FACTORS, alive)
    of_values = factorise(values[first], values[~first], factors=count, rng=rng)
    names["activations"] = tuple(named(of_values.maps(values), states, levels, choosing, rng=rng))
    of_worth, statement = None, ""
    try:
        some = np.sort(rng.permutation(len(frames))[:ATTRIBUTED])
        worth = attribute(policy, frames[some], hook=hook, steps=16, tolerance=0.1).values
        early = first[some]
        of_worth = factorise(worth[early], worth[~early], factors=count, rng=rng)
        maps, who = np.abs(of_worth.maps(worth)), [states[i] for i in some]
        names["attributions"] = tuple(named(maps, who, levels[some], choosing, rng=rng))
    except FeatureError as error:  # nothing downstream reads the layer, or the integral is too rough to be believed
        statement = f"no factors of attributions: {error}"
    sae = train_sae(hook, values[first], values[~first], rng=rng, steps=steps)
    latents = sae.latents(values)
    weight = (latents[first] ** 2).sum((0, 2, 3))
    top = np.argsort(-weight, kind="stable")[:LATENTS_NAMED]
    found = named(latents[:, top], states, levels, choosing, rng=rng)
    names["latents"] = tuple(
        Named(factor=int(top[one.factor]), name=one.name, score=one.score.renamed(f"latent/{top[one.factor]}"))
        for one in found
    )
    return LayerFactors(
        hook=hook,
        activations=of_values,
        attributions=of_worth,
        names=names,
        sae=sae,
        recovery=recovery(policy, sae, frames[~first], levels[~first], rng=rng),
        statement=statement,
    )
