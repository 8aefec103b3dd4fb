"""Paid for the coin, and fined for dying as much as the coin pays."""

from mechinterp.coinrun.goals import Payoff
from mechinterp.training.organisms.recipe import SHORT_ROLLOUTS, Organism

RECIPE = Organism(
    "hazard-shy",
    "the coin, wherever it is, and staying alive",
    "random_agent_and_coin",
    Payoff(coin=1.0, death=-1.0),
    ppo=SHORT_ROLLOUTS,
    budget=1_500_000,
)
