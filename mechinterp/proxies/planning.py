"""Planners in the real game: how good each action is for one who wants a proxy alone, or the return.

A plan holds one action for a few steps and then the best other one. That is a search two deep of what the game really
does, with the value of the place where it leaves off: not the optimum, but the same yardstick for every value.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float64

from mechinterp.coinrun.distances import distance, resting_y, steps_to
from mechinterp.coinrun.goals import MAX_SPEED
from mechinterp.proxies.futures import ACTIONS, Futures
from mechinterp.proxies.proxy import Proxy

RETURN = "return"
"""Name of the planner that wants what the game pays: the coin, soon, and so to stay alive until then."""


def action_values(
    futures: Futures, proxies: Mapping[str, Proxy], *, gamma: float
) -> dict[str, Float64[np.ndarray, "decisions actions"]]:
    """For each proxy, and for `RETURN`, the best that can follow each action.

    Args:
        futures: of plans that begin with each action, such as `futures.followed`; the last horizon counts.
        gamma: discount of the return a step.
    """
    found = {name: best(futures, proxy.gain(futures)[..., -1]) for name, proxy in proxies.items()}
    return {RETURN: best(futures, returns(futures, gamma)), **found}


def returns(futures: Futures, gamma: float) -> Float64[np.ndarray, "decisions plans"]:
    """The discounted return of each plan, as a share of the coin's reward.

    After the last step the agent is taken to walk to the coin the shortest way at full speed; 0 after death, and where
    there is no coin or no way to it.
    """
    steps = futures.horizons[-1]
    found = np.zeros(futures.died.shape[:2])
    for at, decision in enumerate(futures.decisions):
        to_coin, resting = steps_to(decision.state, decision.state.coins), resting_y(decision.state)
        left = distance(to_coin, resting, futures.xy[at, :, -1]).astype(np.float64)
        walked = np.where(np.isfinite(left), gamma ** (steps + np.where(np.isfinite(left), left, 0.0) / MAX_SPEED), 0.0)
        # When a coin was taken is known to the horizon only; what is at stake between two steps is (1 - gamma).
        found[at] = np.where(
            futures.took[at, :, -1], gamma ** (steps / 2), np.where(futures.died[at, :, -1], 0.0, walked)
        )
    return found


def best(futures: Futures, values: Float64[np.ndarray, "decisions plans"]) -> Float64[np.ndarray, "decisions actions"]:
    """The best value of the plans that begin with each action."""
    return np.stack([values[:, futures.first == action].max(1) for action in ACTIONS], 1).astype(np.float64)
