"""States that a policy really reaches: what scenes are made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mechinterp.coinrun.levels import Start, StatesLike, as_starts
from mechinterp.coinrun.state import GameState
from mechinterp.policies.actors import Actor
from mechinterp.policies.rollouts import StepView, rollout


@dataclass
class _Reservoir:
    """Keeps a uniform sample of the states of each episode, without knowing how long it will be (Vitter 1985)."""

    starts: Sequence[Start]
    per_level: int
    seed: int
    kept: dict[int, list[tuple[int, bytes]]] = field(default_factory=dict)
    rngs: dict[int, np.random.Generator] = field(default_factory=dict)

    def __call__(self, view: StepView) -> None:
        kept = self.kept.setdefault(view.episode, [])
        if view.episode not in self.rngs:
            self.rngs[view.episode] = np.random.default_rng([self.seed, self.starts[view.episode].level_seed])
        if len(kept) < self.per_level:
            kept.append((view.step, view.state))
            return
        place = int(self.rngs[view.episode].integers(view.step + 1))
        if place < self.per_level:
            kept[place] = (view.step, view.state)


def visited_states(
    actor: Actor, starts: StatesLike, *, per_level: int, seed: int = 0, max_steps: int = 250, num_envs: int = 64
) -> list[GameState]:
    """A uniform sample of ``per_level`` states of each start's episode (all, if it is shorter), in that order.

    The same seed gives the same states, whatever ``num_envs``. The generators are blank (see `GameState.without_rngs`).
    """
    starts = as_starts(starts)
    reservoir = _Reservoir(starts, per_level, seed)
    rollout(actor, starts, seed=seed, max_steps=max_steps, num_envs=num_envs, observers=[reservoir])
    chosen = (data for episode in range(len(starts)) for _, data in sorted(reservoir.kept[episode]))
    # The game's last random number is inert, and belongs to the slot that the episode happened to run in.
    return [GameState.from_bytes(data).without_rngs().replace(step_rand_int=0) for data in chosen]
