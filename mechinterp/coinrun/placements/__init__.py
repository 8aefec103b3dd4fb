"""Placement rules: functions (state, generator) -> state that edit each fresh level before it is played."""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
