"""What can stand where the coin is: controls for what is special to the coin; one file each (or a family).

To add one, add a file here that holds ``OBJECT = Object(...)`` (or a tuple of them); nothing else names it.
"""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
