"""What was found about the factors of a layer."""

from __future__ import annotations

from mechinterp.experiments.fields import EstimateField, Record


class Factor(Record):
    """One factor or latent.

    Attributes:
        object: the object whose position fits its map best on the levels that choose.
        correlation: of its map with the area of that object, over cells of held-out levels.
    """

    object: str
    correlation: EstimateField


class Factorisation(Record):
    """Non-negative matrix factorisation of the layer.

    Attributes:
        explained: share of the sum of squares on held-out levels that the factors reconstruct.
        factors: by number.
    """

    explained: float
    factors: dict[int, Factor]


class Autoencoder(Record):
    """A sparse autoencoder of the layer, on held-out levels.

    Attributes:
        explained: share of the variance that it reconstructs.
        size: how many latents there are; `k` of them are active in a sample; `dead` is the share active nowhere.
        latents: by number, those with the largest activations, largest first.
        divergence: by replacement of the layer ("reconstruction", "zero", "mean"), the Kullback-Leibler divergence of
            the actions from the policy's own, in nats.
        agreement: by replacement, share of frames in which the likeliest action stays the same.
        recovered: 1 - divergence(reconstruction) / divergence(mean); None where mean ablation changes nothing.
    """

    explained: float
    size: int
    k: int
    dead: float
    latents: dict[int, Factor]
    divergence: dict[str, EstimateField]
    agreement: dict[str, EstimateField]
    recovered: EstimateField | None


class Result(Record):
    """One layer factorised in three ways; None for what could not be done, with the reason in `left_out`."""

    hook: str | None
    activations: Factorisation | None
    attributions: Factorisation | None
    autoencoder: Autoencoder | None
    left_out: dict[str, str]

    @property
    def by_kind(self) -> dict[str, dict[int, Factor]]:
        """Every factor and latent, by what it is ("activation factor", "attribution factor", "SAE latent")."""
        return {
            "activation factor": self.activations.factors if self.activations else {},
            "attribution factor": self.attributions.factors if self.attributions else {},
            "SAE latent": self.autoencoder.latents if self.autoencoder else {},
        }
