"""The pages of the API: a page for each folder of the library, with the names of its stub (``__init__.pyi``)."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "mechinterp"


def folders() -> list[str]:
    """The folders that have a face, in the order in which data flows through them (the layers in pyproject.toml)."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(contract["layers"] for contract in settings["contracts"] if contract["type"] == "layers")
    names = [name for layer in reversed(layers) for name in re.findall(r"\w+", layer)]
    return [name for name in names if (ROOT / PACKAGE / name / "__init__.pyi").exists()]


def page(folder: str) -> str:
    """The page of a folder, in Markdown for mkdocstrings; of the library itself, if `folder` is empty."""
    module = f"{PACKAGE}.{folder}".rstrip(".")
    head = f"::: {module}\n    options:\n        members: false\n        heading_level: 1\n"
    return "\n".join([head, *_sections(module, skip_modules=not folder)])


def _sections(module: str, *, skip_modules: bool = False) -> Iterator[str]:
    for path, is_module in exports(module):
        if not is_module or not _stub(path).exists():
            yield f"::: {path}\n"
        elif not skip_modules:
            yield f"::: {path}\n    options:\n        members: false\n"
            yield from _sections(path)


def exports(module: str) -> Iterator[tuple[str, bool]]:
    """Where each name of a package's stub is defined, and whether it is a module."""
    for node in ast.parse(_stub(module).read_text()).body:
        if isinstance(node, ast.ImportFrom):
            for name in node.names:
                path = ".".join(part for part in (module, node.module, name.name) if part)
                yield _origin(path), node.module is None


def _origin(path: str) -> str:
    """Through the stubs of subpackages, to the module where a name is written down."""
    package, _, name = path.rpartition(".")
    if not _stub(package).exists():
        return path
    for node in ast.parse(_stub(package).read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module and name in [alias.name for alias in node.names]:
            return _origin(f"{package}.{node.module}.{name}")
    return path


def _stub(module: str) -> Path:
    return ROOT.joinpath(*module.split("."), "__init__.pyi")
