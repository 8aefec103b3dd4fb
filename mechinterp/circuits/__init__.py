"""How a variable of the world reaches the action: which parts of the network carry its effect."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
