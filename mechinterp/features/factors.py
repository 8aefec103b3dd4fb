"""The factors of one layer: NMF of its activations and of its attributions, a sparse autoencoder, and their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64
from torch import nn

from mechinterp.coinrun.state import GameState
from mechinterp.features.attribution import attribute_inputs
from mechinterp.features.counterfactuals import CounterfactualScenes
from mechinterp.features.errors import FeatureError
from mechinterp.features.factorisation import (
    FactorLabel,
    LayerAutoencoder,
    NonNegativeFactors,
    Recovery,
    fit_nmf,
    label_factors,
    loss_recovered,
    train_sae,
)
from mechinterp.features.frames import Frames, frame_array
from mechinterp.features.probing import activations
from mechinterp.policies.graph import Policy
from mechinterp.policies.stages import stage_outputs

FACTORS = 6
LATENTS_LABELLED = 12
ATTRIBUTED = 90
"""Frames whose attributions are factorised: an integral costs as much as a hundred forward passes."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelledFactors:
    """Non-negative factors and what each is a factor of."""

    factors: NonNegativeFactors
    labels: tuple[FactorLabel, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelledAutoencoder:
    """A sparse autoencoder, what its latents respond to, and what the policy does with its reconstruction.

    Attributes:
        labels: of the `LATENTS_LABELLED` latents with the largest sum of squares, that first.
    """

    autoencoder: LayerAutoencoder
    labels: tuple[FactorLabel, ...]
    recovery: Recovery


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerFactors:
    """One layer factorised in three ways.

    Attributes:
        hook: the layer.
        activations, attributions: NMF of each; None where the layer is dead, or where nothing is attributed to it.
        sae: None where the layer never changes.
        left_out: what could not be done, and why.
    """

    hook: str
    activations: LabelledFactors | None = None
    attributions: LabelledFactors | None = None
    sae: LabelledAutoencoder | None = None
    left_out: dict[str, str]

    def __repr__(self) -> str:
        parts = {"activations": self.activations, "attributions": self.attributions, "SAE": self.sae}
        return f"LayerFactors({self.hook}: {', '.join(name for name, part in parts.items() if part) or 'nothing'})"


@dataclass(frozen=True, eq=False, kw_only=True)
class _Material:
    """Frames of natural states and of scenes with a coin; the levels of `choosing` fit, the others evaluate."""

    states: Sequence[GameState]
    frames: np.ndarray
    levels: Int64[np.ndarray, " frames"]
    choosing: Int64[np.ndarray, " levels"]

    @property
    def first(self) -> np.ndarray:
        return np.isin(self.levels, self.choosing)


def factorised_layer(policy: Policy) -> str:
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
    frames: Frames,
    levels: Int64[np.ndarray, " frames"],
    choosing: Int64[np.ndarray, " levels"],
    scenes: CounterfactualScenes,
    *,
    rng: np.random.Generator,
    hook: str | None = None,
    steps: int = 600,
) -> LayerFactors:
    """Factorise a layer on the levels of `choosing`, and evaluate on the others.

    Args:
        states, frames, levels: natural ones; scenes with a coin are added, or the coin would hardly ever be there.
        hook: by default `factorised_layer`.
        steps: of training the autoencoder.
    """
    hook = factorised_layer(policy) if hook is None else hook
    rows = np.arange(len(scenes.coin))[:: max(1, len(scenes.coin) // 100)]
    with_coin = scenes.coin.states("clean")
    material = _Material(
        states=[*states, *(with_coin[i] for i in rows)],
        frames=np.concatenate([frame_array(frames), scenes.coin.clean[rows]]),
        levels=np.concatenate([levels, scenes.levels[rows]]),
        choosing=choosing,
    )
    values = activations(policy, material.frames, hook, 64)
    flat = values.reshape(len(values), values.shape[1], -1)
    active = int((np.ptp(flat, axis=(0, 2)) > 0).sum())
    if not active:
        why = f"{hook} is dead: none of its {values.shape[1]} channels ever changes"
        return LayerFactors(hook=hook, left_out={"factors": why})
    left_out: dict[str, str] = {}
    count = min(FACTORS, active)
    of_activations = _of_activations(values, material, count, rng)
    of_attributions = None
    try:
        of_attributions = _of_attributions(policy, hook, material, count, rng)
    except FeatureError as error:  # nothing downstream reads the layer, or the integral is not accurate enough
        left_out["factors of attributions"] = str(error)
    return LayerFactors(
        hook=hook,
        activations=of_activations,
        attributions=of_attributions,
        sae=_autoencoder(policy, hook, values, material, steps, rng),
        left_out=left_out,
    )


def _of_activations(
    values: Float32[np.ndarray, "frames channels side side"], own: _Material, count: int, rng: np.random.Generator
) -> LabelledFactors:
    factors = fit_nmf(values[own.first], values[~own.first], factors=count, rng=rng)
    labels = label_factors(factors.maps(values), own.states, own.levels, own.choosing, rng=rng)
    return LabelledFactors(factors=factors, labels=tuple(labels))


def _of_attributions(
    policy: Policy, hook: str, own: _Material, count: int, rng: np.random.Generator
) -> LabelledFactors:
    some = np.sort(rng.permutation(len(own.frames))[:ATTRIBUTED])
    values = attribute_inputs(policy, own.frames[some], hook=hook, steps=16, tolerance=0.1).values
    first = own.first[some]
    factors = fit_nmf(values[first], values[~first], factors=count, rng=rng)
    maps, states = np.abs(factors.maps(values)), [own.states[i] for i in some]
    labels = label_factors(maps, states, own.levels[some], own.choosing, rng=rng)
    return LabelledFactors(factors=factors, labels=tuple(labels))


def _autoencoder(
    policy: Policy,
    hook: str,
    values: Float32[np.ndarray, "frames channels side side"],
    own: _Material,
    steps: int,
    rng: np.random.Generator,
) -> LabelledAutoencoder:
    first = own.first
    sae = train_sae(hook, values[first], values[~first], rng=rng, steps=steps)
    latents = sae.latents(values)
    size = (latents[first] ** 2).sum((0, 2, 3))
    top = np.argsort(-size, kind="stable")[:LATENTS_LABELLED].tolist()
    found = label_factors(latents[:, top], own.states, own.levels, own.choosing, rng=rng)
    labels = tuple(
        FactorLabel(
            factor=latent,
            object=one.object,
            correlation=one.correlation.renamed(f"correlation of latent {latent} with {one.object}"),
        )
        for latent, one in zip(top, found, strict=True)
    )
    recovery = loss_recovered(policy, sae, own.frames[~first], own.levels[~first], rng=rng)
    return LabelledAutoencoder(autoencoder=sae, labels=labels, recovery=recovery)
