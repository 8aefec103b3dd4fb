"""Which value moves the action: proxies as variables of the world, and how much each moves the policy."""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
