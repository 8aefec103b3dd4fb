"""A layer as few factors: non-negative matrix factorisation, and a sparse autoencoder; what they are and are worth."""

from typing import TYPE_CHECKING

from mechinterp._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Factors": "nmf",
        "Named": "naming",
        "Recovery": "splicing",
        "SparseAutoencoder": "sae",
        "Trained": "sae",
        "factorise": "nmf",
        "named": "naming",
        "recovery": "splicing",
        "train_sae": "sae",
    },
)

if TYPE_CHECKING:
    from mechinterp.features.factorisation.naming import Named as Named
    from mechinterp.features.factorisation.naming import named as named
    from mechinterp.features.factorisation.nmf import Factors as Factors
    from mechinterp.features.factorisation.nmf import factorise as factorise
    from mechinterp.features.factorisation.sae import SparseAutoencoder as SparseAutoencoder
    from mechinterp.features.factorisation.sae import Trained as Trained
    from mechinterp.features.factorisation.sae import train_sae as train_sae
    from mechinterp.features.factorisation.splicing import Recovery as Recovery
    from mechinterp.features.factorisation.splicing import recovery as recovery
