"""Minimal pairs of scenes: what changes, how they are made, and what they hold."""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
