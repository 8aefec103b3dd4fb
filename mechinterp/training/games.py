"""The games of a trainer, in groups that take turns: while the network works on one group, the others step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import UInt8

from mechinterp.coinrun.env import CoinRunEnv
from mechinterp.coinrun.episodes import EnvSnapshot
from mechinterp.training.errors import TrainingError

Frames = UInt8[np.ndarray, "group 64 64 3"]


class Games:
    """Environments side by side. One group is as good as any on a CPU, whose cores the network keeps busy by itself.

    Which levels a game meets depends on the grouping, since each group draws its own.

    Args:
        groups: environments, of any sizes. The rows of a batch are theirs in this order.
    """

    def __init__(self, groups: Sequence[CoinRunEnv]) -> None:
        if not groups:
            raise TrainingError("groups: none; at least one environment is needed")
        self.groups = tuple(groups)
        ends = np.cumsum([group.num_envs for group in groups]).tolist()
        self.rows = tuple(slice(end - group.num_envs, end) for end, group in zip(ends, groups, strict=True))
        """Where each group's games stand in a batch."""
        self.num_envs: int = ends[-1]

    def reset(self, seed: int) -> list[Frames]:
        """Start new episodes in all; the first group draws levels by ``seed``, the others by seeds made of it."""
        seeds = group_seeds(seed, len(self.groups))
        return [group.reset(seed=each)[0] for group, each in zip(self.groups, seeds, strict=True)]

    @property
    def drawn(self) -> list[int] | None:
        """How many levels each group has drawn; None where a run was saved before they were counted."""
        counts = [group.drawn for group in self.groups]
        return None if None in counts else [int(count) for count in counts if count is not None]

    def snapshot(self) -> list[dict[str, Any]]:
        """All that is needed to go on later, as plain values, a group each."""
        return [asdict(group.snapshot()) for group in self.groups]

    def restore(self, saved: Sequence[Mapping[str, Any]]) -> list[Frames]:
        """Go on from a `snapshot`; the current observations.

        Raises:
            TrainingError: if it is of another number of groups.
        """
        if len(saved) != len(self.groups):
            raise TrainingError(f"games: saved in {len(saved)} groups, these are in {len(self.groups)}")
        return [group.restore(EnvSnapshot(**state)) for group, state in zip(self.groups, saved, strict=True)]

    def close(self) -> None:
        """End all games."""
        for group in self.groups:
            group.close()


def group_seeds(seed: int, groups: int) -> list[int]:
    """By which each group draws its levels: the first by the run's seed, the others by seeds made of it."""
    return [seed, *(_child(seed, at) for at in range(1, groups))]


def _child(seed: int, at: int) -> int:
    return int(np.random.SeedSequence([seed, at]).generate_state(1, np.uint64)[0]) >> 1
