"""What may be done at a hook point, as data: ablate, patch, project out, steer, clamp; alone or many at once."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
