"""The variables that a minimal pair can differ in, each a rule that edits one state twice; one file each.

To add one, add a file here that holds ``VARIABLE = Variable(...)`` (or a tuple of them); nothing else names it.
"""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
