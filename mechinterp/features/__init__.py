"""Where the coin, and "right", are in the network: contrasts between paired scenes, probes, attribution, tendency."""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
