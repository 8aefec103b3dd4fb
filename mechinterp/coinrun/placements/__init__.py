"""Placement rules: functions (state, generator) -> state that edit each fresh level before it is played."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
