"""Registries without lists: whatever lies in a package's folder and holds the right object is registered."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any


def members(package: str, attribute: str) -> dict[str, Any]:
    """The object called `attribute` of each public module (or subpackage) of a package, by the module's name.

    To add one, add a file: nothing else names it. Modules whose names begin with an underscore, and those without the
    attribute, are left out.

    Args:
        package: dotted name of a package, as in its `__name__`.
        attribute: such as `COMMAND`.
    """
    path = importlib.import_module(package).__path__
    names = sorted(module.name for module in pkgutil.iter_modules(path) if not module.name.startswith("_"))
    modules = {name: importlib.import_module(f"{package}.{name}") for name in names}
    return {name: getattr(module, attribute) for name, module in modules.items() if hasattr(module, attribute)}


def collected(package: str, attribute: str) -> list[Any]:
    """The objects called `attribute`, as `members` finds them; a module may hold several, as a tuple (a family)."""
    found = members(package, attribute).values()
    return [one for given in found for one in (given if isinstance(given, tuple) else (given,))]
