"""Which value moves the action: proxies as variables of the world, and how much each moves the policy."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
