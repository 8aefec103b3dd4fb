"""The networks: build, load, run, and read what their logits do."""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
