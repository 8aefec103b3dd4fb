"""Localization results of several subjects compared: what holds for each, with the numbers that show it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
