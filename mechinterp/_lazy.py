"""Faces that import nothing until asked, so that `import mechinterp` and `mechinterp --help` are instantaneous."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def attach(package: str, exports: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Give `package` attributes that are imported at first use.

    Write `__getattr__, __dir__, __all__ = attach(__name__, {"Policy": "graph"})` in a package's `__init__`.

    Args:
        package: the package's `__name__`.
        exports: public name -> the module of the package, without the package's own name, that defines it. A name that
            equals its module's is that module itself.

    Returns:
        The package's `__getattr__`, `__dir__` and `__all__` (PEP 562).
    """

    def __getattr__(name: str) -> Any:
        if name not in exports:
            raise AttributeError(f"module {package!r} has no attribute {name!r}; it exports {sorted(exports)}")
        module = importlib.import_module(f"{package}.{exports[name].lstrip('.')}")
        value = module if name == exports[name].rpartition(".")[2] else getattr(module, name)
        setattr(sys.modules[package], name, value)  # the next access costs nothing
        return value

    def __dir__() -> list[str]:
        return sorted(exports)

    return __getattr__, __dir__, sorted(exports)
