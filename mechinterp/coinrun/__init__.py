"""The game: states, edits, camera, start levels with placements, and a vectorised environment."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
