"""The recipes that there are."""

from __future__ import annotations

from mechinterp._discovery import collected
from mechinterp.errors import nearest
from mechinterp.training.errors import TrainingError
from mechinterp.training.organisms.recipe import Organism

ORGANISMS: dict[str, Organism] = {
    recipe.name: recipe for recipe in collected("mechinterp.training.organisms", "RECIPE")
}
"""Recipes by name."""


def organism(name: str) -> Organism:
    """The recipe of this name.

    Raises:
        TrainingError: if there is none, with the nearest names.
    """
    if name not in ORGANISMS:
        raise TrainingError(f"no organism is called {name!r}{nearest(name, ORGANISMS)}")
    return ORGANISMS[name]
