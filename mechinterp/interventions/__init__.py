"""What may be done at a hook point, as data: ablate, patch, project out, steer, clamp; alone or many at once."""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
