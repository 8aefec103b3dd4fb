"""The objects that there are."""

from __future__ import annotations

from collections.abc import Mapping

from mechinterp._discovery import Registry, collected
from mechinterp.coinrun.scenes.objects.object import Object

OBJECTS: Mapping[str, Object] = Registry(
    "object",
    {
        one.name: one
        for one in sorted(collected("mechinterp.coinrun.scenes.objects", "OBJECT"), key=lambda one: one.order)
    },
)
"""What can stand in the coin's cell, by name."""
