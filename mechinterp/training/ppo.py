"""Proximal policy optimisation (Schulman et al. 2017) with the settings of the Procgen literature (Cobbe et al. 2020).

One rollout of every environment, then a few epochs of clipped updates on it. Rewards are divided by the running
standard deviation of the discounted return; advantages are generalised (Schulman et al. 2016) and normalised in each
minibatch; the value loss is clipped like the policy's. Every random draw comes from generators that are part of the
state, so that a run that is stopped and resumed gives the run that was never stopped.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from mechinterp.coinrun.env import CoinRunEnv, Ending, EnvSnapshot
from mechinterp.policies.graph import Policy
from mechinterp.training.errors import TrainingError
from mechinterp.training.losses import Losses, advantage, losses
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


@dataclass(frozen=True)
class _Rollout:
    obs: UInt8[Tensor, "steps envs 64 64 3"]
    actions: Int[Tensor, "steps envs"]
    log_probs: Float[Tensor, "steps envs"]
    values: Float[Tensor, "steps envs"]
    rewards: Float[Tensor, "steps envs"]
    ended: Float[Tensor, "steps envs"]
    last_value: Float[Tensor, " envs"]


class PPO:
    """Trains a policy in an environment, one `update` at a time.

    Args:
        policy: trained in place.
        env: as many environments as ``config.num_envs``.
        config: hyperparameters.
        seed: of the sampled actions, the shuffling and the environments' levels.
        device: where the network runs (see `ShardedNetwork`); on a CPU in as many threads as torch is set to.
    """

    def __init__(
        self, policy: Policy, env: CoinRunEnv, config: PPOConfig, *, seed: int, device: torch.device | str = "cpu"
    ) -> None:
        if env.num_envs != config.num_envs:
            raise TrainingError(f"num_envs: the configuration says {config.num_envs}, the environment {env.num_envs}")
        self.policy = policy.to(device)
        self.env = env
        self.config = config
        self.device = torch.device(device)
        self.network = ShardedNetwork(self.policy, self.device, threads=torch.get_num_threads())
        self.optimiser = torch.optim.Adam(policy.parameters(), lr=config.learning_rate, eps=1e-5)
        self.normaliser = ReturnNormaliser(config.num_envs, config.gamma)
        self.generator = torch.Generator(self.device).manual_seed(seed)
        self.steps = 0
        self.recent: deque[tuple[float, int, int]] = deque(maxlen=RECENT_EPISODES)
        """(return, length, ending) of the newest episodes."""
        self._finished: list[int] = []
        self._obs, _ = env.reset(seed=seed)
        self._actions = np.array(policy.actions)

    def update(self) -> dict[str, float]:
        """Collect one rollout and learn from it; what happened, by name.

        Episodes are told twice: ``episode_return``, ``episode_length`` and ``share_*`` are of the newest
        `RECENT_EPISODES`; ``episodes`` and ``episodes_*`` count those that ended in this rollout, by ending.
        """
        self._finished.clear()
        began = time.perf_counter()
        rollout = self._collect()
        collected = time.perf_counter()
        losses = self._learn(rollout)
        self.steps += self.config.batch
        done = time.perf_counter()
        timing = {
            "steps_per_second": self.config.batch / (done - began),
            "collect_share": (collected - began) / (done - began),
        }
        return {"steps": self.steps, **timing, **self._episode_metrics(), **losses}

    def state_dict(self) -> dict[str, Any]:
        """All that decides what comes next, of plain types and tensors (loads with ``weights_only=True``)."""
        return {
            "policy": self.policy.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "normaliser": self.normaliser.state_dict(),
            "generator": self.generator.get_state(),
            "steps": self.steps,
            "recent": list(self.recent),
            "env": asdict(self.env.snapshot()),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.policy.load_state_dict(state["policy"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.normaliser.load_state_dict(state["normaliser"])
        self.generator.set_state(state["generator"].cpu())
        self.steps = state["steps"]
        self.recent = deque((tuple(episode) for episode in state["recent"]), maxlen=RECENT_EPISODES)
        self._obs = self.env.restore(EnvSnapshot(**state["env"]))

    def _collect(self) -> _Rollout:
        steps, envs = self.config.rollout_steps, self.config.num_envs
        obs = torch.empty((steps, envs, 64, 64, 3), dtype=torch.uint8, device=self.device)
        actions = torch.empty((steps, envs), dtype=torch.int64, device=self.device)
        log_probs, values = (torch.empty((steps, envs), device=self.device) for _ in range(2))
        rewards, ended = (np.empty((steps, envs), np.float32) for _ in range(2))
        for t in range(steps):
            obs[t] = torch.from_numpy(self._obs)
            logits, values[t] = self.network.look(obs[t])
            log_p = logits.log_softmax(-1)
            actions[t] = torch.multinomial(log_p.exp(), 1, generator=self.generator)[:, 0]
            log_probs[t] = log_p.gather(1, actions[t][:, None])[:, 0]
            self._obs, reward, terminated, truncated, infos = self.env.step(self._actions[actions[t].cpu().numpy()])
            # As in the Procgen literature, running out of time counts as an end: no value is bootstrapped there.
            ended[t] = terminated | truncated
            rewards[t] = self.normaliser(reward, ended[t])
            self._note_episodes(infos)
        last_value = self.network.look(torch.from_numpy(self._obs).to(self.device)).values
        reward_t, ended_t = (torch.from_numpy(array).to(self.device) for array in (rewards, ended))
        return _Rollout(obs, actions, log_probs, values, reward_t, ended_t, last_value)

    def _learn(self, rollout: _Rollout) -> dict[str, float]:
        config = self.config
        rewards, values = rollout.rewards, rollout.values
        advantages = advantage(rewards, values, rollout.ended, rollout.last_value, config.gamma, config.gae_lambda)
        returns = advantages + values
        columns = {
            "obs": rollout.obs,
            "actions": rollout.actions,
            "old_log_probs": rollout.log_probs,
            "old_values": values,
            "advantages": advantages,
            "returns": returns,
        }
        flat = {name: column.flatten(0, 1) for name, column in columns.items()}
        sums: dict[str, float] = {}
        size = config.batch // config.minibatches
        for _ in range(config.epochs):
            order = torch.randperm(config.batch, generator=self.generator, device=self.device)
            for rows in order.split(size):
                for name, value in self._minibatch(**{name: column[rows] for name, column in flat.items()}).items():
                    sums[name] = sums.get(name, 0.0) + value
        count = config.epochs * config.minibatches
        explained = 1 - (returns - values).var() / returns.var().clamp_min(1e-8)
        return {name: value / count for name, value in sums.items()} | {"explained_variance": explained.item()}

    def _minibatch(self, obs: UInt8[Tensor, "batch 64 64 3"], **columns: Tensor) -> dict[str, float]:
        found: list[Losses] = []

        def loss(output: Outputs) -> Tensor:
            parts = losses(output.logits, output.values, **columns, clip=self.config.clip)
            found.append(parts)
            return parts.policy - self.config.entropy_bonus * parts.entropy + self.config.value_weight * parts.value

        self.network.backward(obs, loss)
        (parts,) = found
        grad_norm = nn.utils.clip_grad_norm_(self.policy.parameters(), self.config.max_grad_norm)
        self.optimiser.step()
        return {
            "policy_loss": parts.policy.item(),
            "value_loss": parts.value.item(),
            "entropy": parts.entropy.item(),
            "approx_kl": parts.approx_kl.item(),
            "clip_fraction": parts.clip_fraction.item(),
            "grad_norm": grad_norm.item(),
        }

    def _note_episodes(self, infos: dict[str, Any]) -> None:
        if "_episode" not in infos:
            return
        episode = infos["episode"]
        for slot in np.flatnonzero(infos["_episode"]):
            ending = int(episode["ending"][slot])
            self.recent.append((float(episode["r"][slot]), int(episode["l"][slot]), ending))
            self._finished.append(ending)

    def _episode_metrics(self) -> dict[str, float]:
        counts = {f"episodes_{ending.name.lower()}": self._finished.count(ending) for ending in Ending}
        counts = {"episodes": len(self._finished), **counts}
        if not self.recent:
            return {**counts}
        returns, lengths, endings = (np.array(column) for column in zip(*self.recent, strict=True))
        shares = {f"share_{ending.name.lower()}": float(np.mean(endings == ending)) for ending in Ending}
        return {"episode_return": float(returns.mean()), "episode_length": float(lengths.mean()), **shares, **counts}
