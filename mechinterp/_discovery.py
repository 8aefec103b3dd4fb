"""Registries without lists: whatever lies in a package's folder and holds the right object is registered."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from typing import Any

from mechinterp.errors import MechinterpError


def members(package: str, attribute: str) -> dict[str, Any]:
    """The object called `attribute` of each public module (or subpackage) of a package, by the module's name.

    To add one, add a file: nothing else names it. Modules whose names begin with an underscore, and those without the
    attribute, are left out.

    Args:
        package: dotted name of a package, as in its `__name__`.
        attribute: such as `COMMAND`.

    Raises:
        MechinterpError: a module that lacks the attribute and holds one whose name is nearly the same.
    """
    path = importlib.import_module(package).__path__
    names = sorted(module.name for module in pkgutil.iter_modules(path) if not module.name.startswith("_"))
    modules = {name: importlib.import_module(f"{package}.{name}") for name in names}
    for name, module in modules.items():
        near = difflib.get_close_matches(attribute, [word for word in vars(module) if word.isupper()], cutoff=0.75)
        if near and not hasattr(module, attribute):
            raise MechinterpError(f"{package}.{name} holds {near[0]}, which no one looks for; call it {attribute}")
    return {name: getattr(module, attribute) for name, module in modules.items() if hasattr(module, attribute)}


def collected(package: str, attribute: str) -> list[Any]:
    """The objects called `attribute`, as `members` finds them; a module may hold several, as a tuple (a family).

    Raises:
        MechinterpError: two of them have the same `name`.
    """
    found: dict[str, str] = {}
    objects = []
    for module, given in members(package, attribute).items():
        for one in given if isinstance(given, tuple) else (given,):
            if one.name in found:
                raise MechinterpError(
                    f"{package}: {found[one.name]}.py and {module}.py both hold {one.name!r}; rename one of them"
                )
            found[one.name] = module
            objects.append(one)
    return objects
