"""Planners in the real game: how good each action is for one who wants a proxy alone, or the return.

A plan holds one action for a few steps and then another. That is a search two deep of what the game really does, with
the value of the place where it leaves off: not the optimum, but the same yardstick for every value.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Float64

from mechinterp.coinrun.distances import distance, resting_y, steps_to
from mechinterp.coinrun.goals import MAX_SPEED
from mechinterp.proxies.futures import ACTIONS, Futures
from mechinterp.proxies.proxy import Proxy

DISCOUNTS = (0.8, 0.9, 0.95, 0.99, 0.999)
"""A step, of the return; the one that explains most is taken, so that patience is no reason to reject a maximiser."""


def proxy_values(futures: Futures, proxies: Mapping[str, Proxy]) -> dict[str, Float64[np.ndarray, "decisions actions"]]:
    """How good each action is for each proxy.

    Args:
        futures: of plans that begin with each action, such as `futures.followed`; the last horizon counts.
    """
    return {name: soft_values(futures, proxy.gain(futures)[..., -1]) for name, proxy in proxies.items()}


def return_values(futures: Futures) -> Float64[np.ndarray, "discounts decisions actions"]:
    """How good each action is for the return, by `DISCOUNTS`."""
    return np.stack([soft_values(futures, returns(futures, gamma)) for gamma in DISCOUNTS])


def returns(futures: Futures, gamma: float) -> Float64[np.ndarray, "decisions plans"]:
    """The discounted return of each plan, as a share of the coin's reward.

    After the last step the agent is taken to walk to the coin the shortest way at full speed; 0 after death, and where
    there is no coin or no way to it.

    Args:
        gamma: discount a step.
    """
    found = np.zeros(futures.died.shape[:2])
    # When a coin was taken is known between two horizons only: in the middle of them.
    ends = np.array((0, *futures.horizons))
    middles = (ends[:-1] + ends[1:]) / 2
    for at, decision in enumerate(futures.decisions):
        to_coin, resting = steps_to(decision.state, decision.state.coins), resting_y(decision.state)
        left = distance(to_coin, resting, futures.xy[at, :, -1]).astype(np.float64)
        open_way = np.isfinite(left)
        later = gamma ** (ends[-1] + np.where(open_way, left, 0.0) / MAX_SPEED)
        taken = gamma ** middles[futures.took[at].argmax(-1)]
        alive = np.where(open_way & ~futures.died[at, :, -1], later, 0.0)
        found[at] = np.where(futures.took[at, :, -1], taken, alive)
    return found


def soft_values(
    futures: Futures, values: Float[np.ndarray, "decisions plans"]
) -> Float64[np.ndarray, "decisions actions"]:
    """The soft maximum over the plans that begin with each action (Ziebart 2010), at a temperature of one SD of all.

    A hard maximum forgets the first action wherever the second can make up for it.
    """
    values = values.astype(np.float64)
    spread = values.std() or 1.0
    top = values.max(1, keepdims=True)
    scaled = (values - top) / spread
    soft = [np.log(np.exp(scaled[:, futures.first == action]).mean(1)) for action in ACTIONS]
    return top + np.stack(soft, 1) * spread
