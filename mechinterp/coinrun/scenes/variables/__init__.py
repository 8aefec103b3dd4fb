"""The variables that a minimal pair can differ in, each a rule that edits one state twice; one file each.

To add one, add a file here that holds ``VARIABLE = Variable(...)`` (or a tuple of them); nothing else names it.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
