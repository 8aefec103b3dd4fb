"""Minimal pairs of scenes: what changes, how they are made, and what they hold."""

from mechinterp.coinrun.scenes.build import minimal_pairs, render
from mechinterp.coinrun.scenes.pairs import MinimalPairs, SceneError, joined
from mechinterp.coinrun.scenes.variables import END_WALL, VARIABLES, Variable, coin_at, coin_side

__all__ = [
    "END_WALL",
    "VARIABLES",
    "MinimalPairs",
    "SceneError",
    "Variable",
    "coin_at",
    "coin_side",
    "joined",
    "minimal_pairs",
    "render",
]
