"""Minimal pairs of scenes: what changes, how they are made, and what they hold."""

from mechinterp.coinrun.scenes.build import minimal_pairs, render
from mechinterp.coinrun.scenes.pairs import MinimalPairs, SceneError, joined
from mechinterp.coinrun.scenes.variables import VARIABLES, Variable

__all__ = ["VARIABLES", "MinimalPairs", "SceneError", "Variable", "joined", "minimal_pairs", "render"]
