"""The rules that keep a section one folder: no slice imports another, and only views draw."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import mechinterp.experiments
from mechinterp.experiments.registry import all_slices

ROOT = Path(mechinterp.experiments.__file__).parent
DRAWING = ("plotly", "mechinterp.reporting.plots")


def imported(path: Path) -> set[str]:
    """Every module that a file imports, with the names that it takes from it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def files() -> list[tuple[str, Path]]:
    return [(name, path) for name in all_slices() for path in sorted((ROOT / name).glob("*.py"))]


def test_there_are_slices_to_look_at():
    assert len(files()) >= 4 * len(all_slices()) > 40


@pytest.mark.parametrize(("name", "path"), files(), ids=lambda value: str(value)[-40:])
def test_no_slice_imports_another(name: str, path: Path):
    others = {f"mechinterp.experiments.{other}" for other in all_slices() if other != name}
    reached = {module for module in imported(path) for other in others if f"{module}.".startswith(f"{other}.")}
    assert not reached


@pytest.mark.parametrize(("name", "path"), files(), ids=lambda value: str(value)[-40:])
def test_only_views_draw_and_views_run_no_network(name: str, path: Path):
    modules = imported(path)
    if path.name in ("result.py", "measure.py", "__init__.py"):
        assert not {module for module in modules if module.startswith(DRAWING)}
    else:
        assert not {module for module in modules if module.split(".")[0] in ("torch", "transformer_lens", "captum")}


def test_an_import_would_be_seen(tmp_path: Path):
    path = tmp_path / "measure.py"
    path.write_text("from mechinterp.experiments.circuit.result import Result\nimport plotly.graph_objects as go\n")
    assert {"mechinterp.experiments.circuit.result", "plotly.graph_objects"} <= imported(path)
