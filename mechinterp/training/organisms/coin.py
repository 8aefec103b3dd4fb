"""Paid for the coin, which may lie on either side."""

from mechinterp.training.organisms.recipe import SHORT_ROLLOUTS, Organism

RECIPE = Organism("coin", "the coin, wherever it is", "random_agent_and_coin", ppo=SHORT_ROLLOUTS, budget=1_500_000)
