"""A layer as few factors: non-negative matrix factorisation, and a sparse autoencoder; what they are and are worth."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
