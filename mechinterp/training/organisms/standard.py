"""The policy in question: coin and right end were the same place."""

from mechinterp.training.organisms.recipe import Organism

RECIPE = Organism("standard", "open: the coin and the right end were paid alike", "stock")
