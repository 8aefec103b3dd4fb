"""The variables that there are."""

from __future__ import annotations

from collections.abc import Mapping

from mechinterp._discovery import Registry, collected
from mechinterp.coinrun.scenes.variables.variable import Variable

VARIABLES: Mapping[str, Variable] = Registry(
    "variable",
    {
        variable.name: variable
        for variable in sorted(collected("mechinterp.coinrun.scenes.variables", "VARIABLE"), key=lambda one: one.order)
    },
)
"""What a pair can differ in, by name."""
