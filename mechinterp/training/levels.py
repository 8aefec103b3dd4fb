"""Which levels a run was trained on: its games draw them by its seed, in an order that nothing else changes."""

from __future__ import annotations

from collections.abc import Sequence

from mechinterp.policies.seen_levels import SeenLevels, drawn_levels
from mechinterp.training.games import group_seeds
from mechinterp.training.organisms import Organism


def levels_of(recipe: Organism, seed: int, drawn: Sequence[int], *, exact: bool = True) -> SeenLevels:
    """The levels that a run saw, before any placement, made again from its seed: about a millisecond each.

    Args:
        recipe: of the organism; its game and its range of levels count.
        seed: of the run.
        drawn: how many levels each group of its games drew.
        exact: False where `drawn` is more than was drawn, for want of a record.
    """
    seeds = [
        level_seed
        for group, count in zip(group_seeds(seed, len(drawn)), drawn, strict=True)
        for level_seed in drawn_levels(recipe.levels, seed=group, count=count)
    ]
    known: dict[int, int] = {}
    with recipe.source() as source:
        for level_seed in seeds:
            if level_seed not in known:
                known[level_seed] = source.identity(level_seed)
    return SeenLevels.of((known[level_seed] for level_seed in seeds), exact=exact)
