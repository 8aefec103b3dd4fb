"""What can go wrong in the search for features and be mended by who asked for it."""

from __future__ import annotations

from mechinterp.errors import MechinterpError


class FeatureError(MechinterpError, ValueError):
    """Scenes, places, labels or options that do not fit the network or one another; says what would be right."""
