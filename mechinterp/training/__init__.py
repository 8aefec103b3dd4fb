"""PPO, and the model organisms that it trains: policies whose value is known."""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
