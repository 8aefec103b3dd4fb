"""A layer as few factors: non-negative matrix factorisation (NMF), a sparse autoencoder (SAE), and factors' labels."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
