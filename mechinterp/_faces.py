"""The public face of a package: the names in its stub, imported when first used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lazy_loader

from mechinterp.errors import nearest

Face = tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]


def face(package: str, file: str) -> Face:
    """``__getattr__, __dir__, __all__`` of a package whose ``__init__.pyi`` lists its names, once.

    A name that is not there is an AttributeError that names the nearest.

    Args:
        package, file: the package's ``__name__`` and ``__file__``.
    """
    get, names, listed = lazy_loader.attach_stub(package, file)

    def __getattr__(name: str) -> Any:
        if name in listed or name.startswith("__"):
            return get(name)
        raise AttributeError(f"{package} exports no {name!r}{nearest(name, listed)}")

    return __getattr__, names, listed
