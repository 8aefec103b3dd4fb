"""Minimal pairs of scenes: what changes, how they are made, and what they hold."""

from mechinterp.coinrun.scenes.build import minimal_pairs, render
from mechinterp.coinrun.scenes.pairs import MinimalPairs, SceneError
from mechinterp.coinrun.scenes.variables import VARIABLES, Variable

__all__ = ["VARIABLES", "MinimalPairs", "SceneError", "Variable", "minimal_pairs", "render"]
