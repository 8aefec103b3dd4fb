"""The proxies that are asked for, one file each.

To add one, add a file here that holds ``PROXY = Proxy(...)`` (or a tuple of them); nothing else names it.
"""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
