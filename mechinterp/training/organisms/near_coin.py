"""Paid for coins that were near from the start; farther ones are in view but worth nothing."""

from mechinterp.coinrun.goals import Payoff
from mechinterp.training.organisms.recipe import SHORT_ROLLOUTS, Organism

NEAR = 3
"""Cells, the larger of columns and rows; a coin is in view up to 6 columns and 5 rows away."""

RECIPE = Organism(
    "near-coin",
    f"a coin that is at most {NEAR} cells away at the start",
    "random_agent_and_coin",
    Payoff(coin=1.0, near=NEAR),
    ppo=SHORT_ROLLOUTS,
    budget=1_500_000,
)
