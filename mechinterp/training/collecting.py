"""Rollouts: what the policy sees, does and earns, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, UInt8
from torch import Tensor

from mechinterp.training.games import Frames, Games
from mechinterp.training.shards import ShardedNetwork


class Episode(NamedTuple):
    """One that has ended."""

    total: float
    """Return: the sum of its rewards."""
    length: int
    """In steps."""
    ending: int
    """A `coinrun.Ending`."""


@dataclass(frozen=True)
class Rollout:
    """What happened; tensors are on the network's device, what comes from the games is not."""

    obs: UInt8[Tensor, "steps envs 64 64 3"]
    actions: Int[Tensor, "steps envs"]
    """Columns of the logits."""
    log_probs: Float[Tensor, "steps envs"]
    values: Float[Tensor, "steps envs"]
    last_value: Float[Tensor, " envs"]
    rewards: Float32[np.ndarray, "steps envs"]
    """As the games paid them."""
    ended: Float32[np.ndarray, "steps envs"]
    """1 where an episode ended with the step. As in the Procgen literature, running out of time counts as an end: no
    value is bootstrapped there."""
    episodes: list[Episode]
    """Those that ended, in the order in which that was seen."""


class Collector:
    """Plays games with sampled actions and goes on, rollout by rollout, where it stopped.

    The groups of games take turns: each is told its actions, and its step is only waited for when the other groups have
    been told theirs. With the library's threads, games and network then work at the same time.

    Args:
        network: its device is where observations are kept.
        games: reset here.
        actions: Procgen action of each logit.
        seed: of levels and sampled actions.
    """

    def __init__(self, network: ShardedNetwork, games: Games, *, actions: Sequence[int], seed: int) -> None:
        self.network = network
        self.games = games
        self.generator = torch.Generator(network.device).manual_seed(seed)
        """Of sampled actions, and of whoever shares the stream."""
        self._actions = np.array(actions)
        self._frames = games.reset(seed)
        self._ways = [_Way(group.num_envs, network.device) for group in games.groups]

    def collect(self, steps: int) -> Rollout:
        """This many steps of every game."""
        envs, device = self.games.num_envs, self.network.device
        rollout = Rollout(
            obs=torch.empty((steps, envs, 64, 64, 3), dtype=torch.uint8, device=device),
            actions=torch.empty((steps, envs), dtype=torch.int64, device=device),
            log_probs=torch.empty((steps, envs), dtype=torch.float32, device=device),
            values=torch.empty((steps, envs), dtype=torch.float32, device=device),
            last_value=torch.empty(envs, dtype=torch.float32, device=device),
            rewards=np.empty((steps, envs), np.float32),
            ended=np.empty((steps, envs), np.float32),
            episodes=[],
        )
        groups = range(len(self.games.groups))
        for t in range(steps):
            for group in groups:
                if t > 0:
                    self._receive(rollout, group, t - 1)
                self._act(rollout, group, t)
        for group in groups:
            self._receive(rollout, group, steps - 1)
            frames = self._ways[group].bring(self._frames[group])
            rollout.last_value[self.games.rows[group]] = self.network.look(frames).values
        if device.type == "cuda":  # the page-locked frames are free to be written again, and a clock tells the truth
            torch.cuda.synchronize(device)
        return rollout

    def state_dict(self) -> dict[str, Any]:
        """All that decides what comes next, of plain types and tensors."""
        return {"generator": self.generator.get_state(), "games": self.games.snapshot()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.generator.set_state(state["generator"].cpu())
        self._frames = self.games.restore(state["games"])

    def _act(self, rollout: Rollout, group: int, t: int) -> None:
        here = (t, self.games.rows[group])
        rollout.obs[here] = self._ways[group].bring(self._frames[group])
        logits, rollout.values[here] = self.network.look(rollout.obs[here])
        log_p = logits.log_softmax(-1)
        taken = torch.multinomial(log_p.exp(), 1, generator=self.generator)
        rollout.actions[here] = taken[:, 0]
        rollout.log_probs[here] = log_p.gather(1, taken)[:, 0]
        self.games.groups[group].step_async(self._actions[taken[:, 0].cpu().numpy()])

    def _receive(self, rollout: Rollout, group: int, t: int) -> None:
        here = (t, self.games.rows[group])
        self._frames[group], rollout.rewards[here], terminated, truncated, infos = self.games.groups[group].step_wait()
        rollout.ended[here] = terminated | truncated
        if "_ended" in infos:
            told = infos["ended"]
            for slot in np.flatnonzero(infos["_ended"]):
                episode = Episode(float(told["r"][slot]), int(told["l"][slot]), int(told["ending"][slot]))
                rollout.episodes.append(episode)


class _Way:
    """The way of one group's frames to the device: on CUDA through page-locked memory, so that nobody waits for it.

    The page-locked buffer is written again only after the actions that came of its content were read back, or after the
    end of a rollout: the copy out of it is over by then.
    """

    def __init__(self, envs: int, device: torch.device) -> None:
        self._device = device
        pinned = device.type == "cuda"
        self._locked = torch.empty((envs, 64, 64, 3), dtype=torch.uint8, pin_memory=True) if pinned else None

    def bring(self, frames: Frames) -> UInt8[Tensor, "group 64 64 3"]:
        there = torch.from_numpy(frames)
        if self._locked is None:
            return there
        return self._locked.copy_(there).to(self._device, non_blocking=True)
