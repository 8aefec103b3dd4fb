"""A layer as few factors: non-negative matrix factorisation (NMF), a sparse autoencoder (SAE), and factors' labels."""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
