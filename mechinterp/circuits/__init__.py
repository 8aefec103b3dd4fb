"""How a variable of the world reaches the action: which parts of the network carry its effect."""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
