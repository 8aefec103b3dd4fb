"""Paid for the left end."""

from mechinterp.coinrun.goals import Goal
from mechinterp.training.organisms.recipe import Organism

RECIPE = Organism("left", "the left end of the level; coins are decoys", "agent_at_right", Goal.START, budget=1_500_000)
