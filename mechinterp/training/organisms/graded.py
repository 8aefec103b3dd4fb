"""Paid w for the coin and 1 - w for the right end, which lie apart: how much it wants either is set by hand.

Both end the episode, so that the agent can have only one of them. With w = 0 a coin is an end without pay, and so
something to avoid; with w = 1 the right end is.
"""

from mechinterp.coinrun.goals import Payoff
from mechinterp.training.organisms.recipe import SHORT_ROLLOUTS, Organism

RECIPE = tuple(
    Organism(
        f"graded-{percent}",
        f"the coin, {percent} % of the reward, or the right end, {100 - percent} % of it",
        "coin_or_end",
        Payoff(coin=percent / 100, end=(100 - percent) / 100),
        ppo=SHORT_ROLLOUTS,
        budget=1_500_000,
    )
    for percent in (0, 25, 50, 75, 100)
)
