"""What makes two runs the same run: recipe and seed, apart from how long and in what words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mechinterp.training.organisms import Organism


def identity(recipe: Organism, seed: int) -> dict[str, Any]:
    """Recipe and seed as plain values. Training on, or saying the value better, does not make it another run."""
    plain = recipe.as_dict()
    del plain["budget"], plain["value"]
    return {"organism": plain, "seed": seed}


def difference(there: Mapping[str, Any], asked: Mapping[str, Any], *, limit: int = 3) -> str:
    """In words, the first things in which two identities differ; empty if they do not."""
    theirs, ours = _flat(there), _flat(asked)
    names = [name for name in {**ours, **theirs} if theirs.get(name) != ours.get(name)]
    parts = [
        f"{name}: {theirs.get(name, 'nothing')} there, {ours.get(name, 'nothing')} asked" for name in names[:limit]
    ]
    return "; ".join(parts) + (f"; and {len(names) - limit} more" if len(names) > limit else "")


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        # Who reads the message knows that placement and goal are the organism's.
        name = f"{prefix}{key}"
        flat |= _flat(value, "" if name == "organism" else f"{name}.") if isinstance(value, Mapping) else {name: value}
    return flat
