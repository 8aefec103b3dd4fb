"""Proximal policy optimisation (Schulman et al. 2017) with the settings of the Procgen literature (Cobbe et al. 2020).

One rollout of every environment, then a few epochs of clipped updates on it. Rewards are divided by the running
standard deviation of the discounted return; advantages are generalised (Schulman et al. 2016) and normalised in each
minibatch; the value loss is clipped like the policy's. Every random draw comes from generators that are part of the
state, so that a run that is stopped and resumed gives the run that was never stopped (on CUDA, up to the rounding of
kernels that add in any order).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor, nn

from mechinterp.coinrun.episodes import Ending
from mechinterp.policies.graph import Policy
from mechinterp.training.collecting import Collector, Episode, Rollout
from mechinterp.training.errors import TrainingError
from mechinterp.training.games import Games
from mechinterp.training.losses import Losses, advantage, ppo_losses
from mechinterp.training.normaliser import ReturnNormaliser
from mechinterp.training.shards import Outputs, ShardedNetwork

RECENT_EPISODES = 100


@dataclass(frozen=True)
class PPOConfig:
    """Hyperparameters. The defaults are Procgen's, with 64 environments."""

    num_envs: int = 64
    rollout_steps: int = 256
    epochs: int = 3
    minibatches: int = 8
    gamma: float = 0.999
    gae_lambda: float = 0.95
    clip: float = 0.2
    entropy_bonus: float = 0.01
    value_weight: float = 0.5
    learning_rate: float = 5e-4
    max_grad_norm: float = 0.5

    def __post_init__(self) -> None:
        counts = ("num_envs", "rollout_steps", "epochs", "minibatches")
        for name, value in asdict(self).items():
            if not 0 <= value < float("inf"):  # refuses NaN too
                raise TrainingError(f"{name}: {value}, allowed are numbers from 0")
            if name in counts and (value != int(value) or value < 1):
                raise TrainingError(f"{name}: {value}, allowed are whole numbers from 1")
        for name in ("gamma", "gae_lambda"):
            if getattr(self, name) > 1:
                raise TrainingError(f"{name}: {getattr(self, name)}, allowed are 0 to 1")
        if self.batch % self.minibatches:
            raise TrainingError(f"minibatches: {self.minibatches} do not divide the {self.batch} steps of a rollout")

    @property
    def batch(self) -> int:
        """Environment steps in one rollout."""
        return self.num_envs * self.rollout_steps


class PPO:
    """Trains a policy in an environment, one `update` at a time.

    Args:
        policy: trained in place.
        games: as many as ``config.num_envs``.
        config: hyperparameters.
        seed: of the sampled actions, the shuffling and the environments' levels.
        device: where the network runs (see `ShardedNetwork`); on a CPU in as many threads as torch is set to.
        dtype: of the network's arithmetic (see `ShardedNetwork`).
    """

    def __init__(
        self,
        policy: Policy,
        games: Games,
        config: PPOConfig,
        *,
        seed: int,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if games.num_envs != config.num_envs:
            raise TrainingError(f"num_envs: the configuration says {config.num_envs}, the games are {games.num_envs}")
        self.policy = policy.to(device)
        self.config = config
        self.device = torch.device(device)
        self.network = ShardedNetwork(self.policy, self.device, threads=torch.get_num_threads(), dtype=dtype)
        self.optimiser = torch.optim.Adam(policy.parameters(), lr=config.learning_rate, eps=1e-5)
        self.normaliser = ReturnNormaliser(config.num_envs, config.gamma)
        self.collector = Collector(self.network, games, actions=policy.actions, seed=seed)
        self.steps = 0
        self.recent: deque[Episode] = deque(maxlen=RECENT_EPISODES)
        """The newest episodes."""

    def update(self) -> dict[str, float]:
        """Collect one rollout and learn from it; what happened, by name.

        Episodes are told twice: ``episode_return``, ``episode_length`` and ``share_*`` are of the newest
        `RECENT_EPISODES`; ``episodes`` and ``episodes_*`` count those that ended in this rollout, by ending.
        """
        began = time.perf_counter()
        rollout = self.collector.collect(self.config.rollout_steps)
        self.recent.extend(rollout.episodes)
        collected = time.perf_counter()
        losses = self._learn(rollout)
        self.steps += self.config.batch
        done = time.perf_counter()
        timing = {
            "steps_per_second": self.config.batch / (done - began),
            "collect_share": (collected - began) / (done - began),
        }
        return {"steps": self.steps, **timing, **self._episode_metrics(rollout.episodes), **losses}

    def state_dict(self) -> dict[str, Any]:
        """All that decides what comes next, of plain types and tensors (loads with ``weights_only=True``)."""
        return {
            "policy": self.policy.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "normaliser": self.normaliser.state_dict(),
            "collector": self.collector.state_dict(),
            "steps": self.steps,
            "recent": [tuple(episode) for episode in self.recent],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.policy.load_state_dict(state["policy"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.normaliser.load_state_dict(state["normaliser"])
        self.collector.load_state_dict(state["collector"])
        self.steps = state["steps"]
        self.recent = deque((Episode(*episode) for episode in state["recent"]), maxlen=RECENT_EPISODES)

    def _learn(self, rollout: Rollout) -> dict[str, float]:
        config, values = self.config, rollout.values
        scaled = np.stack([self.normaliser(*step) for step in zip(rollout.rewards, rollout.ended, strict=True)])
        rewards, ended = (torch.from_numpy(array).to(self.device) for array in (scaled, rollout.ended))
        advantages = advantage(rewards, values, ended, rollout.last_value, config.gamma, config.gae_lambda)
        returns = advantages + values
        columns = {
            "actions": rollout.actions,
            "old_log_probs": rollout.log_probs,
            "old_values": values,
            "advantages": advantages,
            "returns": returns,
        }
        flat = {name: column.flatten(0, 1) for name, column in columns.items()}
        obs = rollout.obs.flatten(0, 1)
        # Summed where they are: reading a number from a GPU would make it wait at each minibatch.
        sums: dict[str, Tensor] = {}
        size = config.batch // config.minibatches
        for _ in range(config.epochs):
            order = torch.randperm(config.batch, generator=self.collector.generator, device=self.device)
            for rows in order.split(size):
                chosen = {name: column[rows] for name, column in flat.items()}
                for name, value in self._minibatch(obs, rows, **chosen).items():
                    sums[name] = sums[name] + value if name in sums else value
        count = config.epochs * config.minibatches
        explained = 1 - (returns - values).var() / returns.var().clamp_min(1e-8)
        return {name: value.item() / count for name, value in sums.items()} | {"explained_variance": explained.item()}

    def _minibatch(
        self, obs: UInt8[Tensor, "frames 64 64 3"], rows: Int[Tensor, " batch"], **columns: Tensor
    ) -> dict[str, Tensor]:
        found: list[Losses] = []

        def loss(output: Outputs) -> Tensor:
            parts = ppo_losses(output.logits, output.values, **columns, clip=self.config.clip)
            found.append(parts)
            return parts.policy - self.config.entropy_bonus * parts.entropy + self.config.value_weight * parts.value

        self.network.backward(obs, rows, loss)
        (parts,) = found
        grad_norm = nn.utils.clip_grad_norm_(self.policy.parameters(), self.config.max_grad_norm)
        self.optimiser.step()
        named = {
            "policy_loss": parts.policy,
            "value_loss": parts.value,
            "entropy": parts.entropy,
            "approx_kl": parts.approx_kl,
            "clip_fraction": parts.clip_fraction,
            "grad_norm": grad_norm,
        }
        return {name: value.detach().double() for name, value in named.items()}

    def _episode_metrics(self, finished: Sequence[Episode]) -> dict[str, float]:
        endings = [episode.ending for episode in finished]
        counts = {f"episodes_{ending.name.lower()}": endings.count(ending) for ending in Ending}
        counts = {"episodes": len(endings), **counts}
        if not self.recent:
            return {**counts}
        returns, lengths, endings = (np.array(column) for column in zip(*self.recent, strict=True))
        shares = {f"share_{ending.name.lower()}": float(np.mean(endings == ending)) for ending in Ending}
        return {"episode_return": float(returns.mean()), "episode_length": float(lengths.mean()), **shares, **counts}
