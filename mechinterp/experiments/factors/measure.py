"""Factorise the last layer with maps, and label what is found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mechinterp.experiments.factors.result import Autoencoder, Factor, Factorisation, Result
from mechinterp.experiments.inputs.localization import localization_data
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.features.errors import FeatureError
from mechinterp.features.factorisation import FactorLabel
from mechinterp.features.factors import LabelledAutoencoder, LabelledFactors, factorised_layer, layer_factors


@dataclass(frozen=True)
class Size:
    """Training steps of the sparse autoencoder."""

    training_steps: int


SIZES = Sizes(full=Size(training_steps=600), quick=Size(training_steps=200))


def measure(context: Context[Size]) -> Result:
    """Fitted and labelled on the levels that choose, evaluated on the others."""
    data = context.inputs(localization_data)
    context.tick("factorising a layer")
    policy = context.subject.policy
    try:
        factorised_layer(policy)
    except FeatureError as error:
        nothing = {"the factors of a layer": str(error)}
        return Result(hook=None, activations=None, attributions=None, autoencoder=None, left_out=nothing)
    own = layer_factors(
        policy,
        data.states,
        data.frames,
        data.levels,
        data.choosing,
        data.scenes,
        steps=context.size.training_steps,
        rng=context.rng,
    )
    return Result(
        hook=own.hook,
        activations=_factorisation(own.activations),
        attributions=_factorisation(own.attributions),
        autoencoder=None if own.sae is None else _autoencoder(own.sae),
        left_out=own.left_out,
    )


def _factorisation(own: LabelledFactors | None) -> Factorisation | None:
    return None if own is None else Factorisation(explained=own.factors.explained, factors=_factors(own.labels))


def _autoencoder(own: LabelledAutoencoder) -> Autoencoder:
    sae = own.autoencoder
    return Autoencoder(
        explained=sae.explained,
        size=len(sae.model.encoder),
        k=sae.model.k,
        dead=sae.dead,
        latents=_factors(own.labels),
        divergence=own.recovery.divergence,
        agreement=own.recovery.agreement,
        recovered=own.recovery.recovered,
    )


def _factors(labels: Iterable[FactorLabel]) -> dict[int, Factor]:
    return {one.factor: Factor(object=one.object, correlation=one.correlation) for one in labels}
