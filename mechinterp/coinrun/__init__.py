"""The game: states, edits, camera, start levels with placements, and a vectorised environment."""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
