"""Model organisms: policies whose value is known, because of what they were paid for; one file each.

To add one, add a file here that holds ``RECIPE = Organism(...)`` (or a tuple of them); nothing else names it.
"""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
