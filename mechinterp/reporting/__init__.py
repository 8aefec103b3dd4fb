"""From figures and sentences to files: the figure kit, wording, page templates, PNG export. It measures nothing."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
