"""Registries without lists: whatever lies in a package's folder and holds the right object is registered."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from mechinterp.errors import MechinterpError, nearest

T = TypeVar("T")


class UnknownName(MechinterpError, KeyError):
    """A name that a registry does not hold; the message lists the nearest ones."""

    __str__ = Exception.__str__  # a KeyError would show its message as a quoted text


class Registry(Mapping[str, T]):
    """Things by name, not to be changed; a name that is not there is an `UnknownName`.

    >>> Registry("colour", {"red": 1, "blue": 2})["rde"]
    Traceback (most recent call last):
        ...
    mechinterp._discovery.UnknownName: no colour is called 'rde'; did you mean 'red'?
    """

    def __init__(self, noun: str, items: Mapping[str, T]) -> None:
        """Of these; `noun` says in messages what one of them is."""
        self._noun, self._items = noun, dict(items)

    def __getitem__(self, name: str) -> T:
        if name not in self:
            raise UnknownName(f"no {self._noun} is called {name!r}{nearest(str(name), self._items)}")
        return self._items[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._items  # what cannot be hashed is not there either

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"Registry({self._noun}: {', '.join(self._items)})"


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
