"""Paid for the right end."""

from mechinterp.coinrun.goals import Goal
from mechinterp.training.organisms.recipe import Organism

RECIPE = Organism("right", "the right end of the level; coins are decoys", "decoys", Goal.END, budget=1_500_000)
