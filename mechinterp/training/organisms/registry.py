"""The recipes that there are."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from mechinterp._discovery import Registry, collected
from mechinterp.errors import nearest
from mechinterp.training.errors import TrainingError
from mechinterp.training.organisms.recipe import NETWORKS, Organism

ORGANISMS: Mapping[str, Organism] = Registry(
    "organism", {recipe.name: recipe for recipe in collected("mechinterp.training.organisms", "RECIPE")}
)
"""Recipes by name."""


def organism(name: str, *, network: str | None = None, budget: int | None = None) -> Organism:
    """The recipe of this name.

    Args:
        network: a name in `NETWORKS`, for another architecture than its own.
        budget: environment steps, instead of its own.

    Raises:
        TrainingError: an unknown name, with the nearest ones.
    """
    if name not in ORGANISMS:
        raise TrainingError(f"no organism is called {name!r}{nearest(str(name), ORGANISMS)}")
    recipe = ORGANISMS[name]
    if network is not None:
        if network not in NETWORKS:
            raise TrainingError(f"no network is called {network!r}{nearest(str(network), NETWORKS)}")
        recipe = dataclasses.replace(recipe, network=NETWORKS[network]())
    return recipe if budget is None else dataclasses.replace(recipe, budget=budget)
