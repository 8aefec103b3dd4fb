"""Localization results of several subjects compared: what holds for each, with the numbers that show it."""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
