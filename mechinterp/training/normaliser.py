"""Reward scaling by the spread of returns."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float32

MAX_REWARD = 10.0


class ReturnNormaliser:
    """Divides rewards by the running standard deviation of the discounted return, as OpenAI's baselines do.

    The mean is not subtracted: a reward of 0 stays 0. The result is clipped to +-`MAX_REWARD`.
    """

    def __init__(self, num_envs: int, gamma: float) -> None:
        self.gamma = gamma
        self.returns = np.zeros(num_envs)
        self.mean, self.variance, self.count = 0.0, 1.0, 1e-4

    def __call__(
        self, reward: Float32[np.ndarray, " envs"], ended: Float32[np.ndarray, " envs"]
    ) -> Float32[np.ndarray, " envs"]:
        """Take in one step's rewards and give them back scaled."""
        self.returns = self.returns * self.gamma + reward
        self._merge(self.returns)
        self.returns = self.returns * (1 - ended)
        return np.clip(reward / np.sqrt(self.variance + 1e-8), -MAX_REWARD, MAX_REWARD).astype(np.float32)

    def _merge(self, batch: np.ndarray) -> None:
        """Parallel update of mean and variance (Chan et al. 1979)."""
        total = self.count + len(batch)
        delta = batch.mean() - self.mean
        squares = self.variance * self.count + batch.var() * len(batch) + delta**2 * self.count * len(batch) / total
        self.mean += delta * len(batch) / total
        self.variance = squares / total
        self.count = total

    def state_dict(self) -> dict[str, Any]:
        moments = {"mean": float(self.mean), "variance": float(self.variance), "count": float(self.count)}
        return {"returns": self.returns.tolist(), **moments}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.returns = np.array(state["returns"])
        self.mean, self.variance, self.count = state["mean"], state["variance"], state["count"]
