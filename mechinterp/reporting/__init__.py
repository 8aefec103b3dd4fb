"""From figures and sentences to files: the figure kit, wording, page templates, PNG export. It measures nothing."""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
