"""The minimal pairs that several slices share, made of states that the policy itself visits."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mechinterp.coinrun.levels import LevelSource
from mechinterp.coinrun.scenes import MinimalPairs, joined, minimal_pairs
from mechinterp.coinrun.state import GameState
from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.policies.actors import PolicyActor
from mechinterp.policies.levels import LEVELS
from mechinterp.policies.visits import visited_states

CHOOSE = 0.4
"""The share of levels that choose; results are reported on the others."""


@dataclass(eq=False)
class Scenes:
    """Visited states, and pairs made of them: computed when first asked for, then kept."""

    inputs: Inputs
    _states: list[GameState] = field(default_factory=list)
    _pairs: dict[str, MinimalPairs] = field(default_factory=dict)

    def states(self) -> list[GameState]:
        """A sample of the states of an episode on each scene level."""
        if not self._states:
            subject, plan = self.inputs.subject, self.inputs.plan
            source = LevelSource(subject.options, seed=plan.seed)
            try:
                starts = source.starts(LEVELS["scenes"].first(plan.levels))
            finally:
                source.close()
            self._states = visited_states(PolicyActor(subject.policy), starts, per_level=plan.states, seed=plan.seed)
        return self._states

    def pairs(self, variable: str) -> MinimalPairs:
        """The minimal pairs of one variable.

        Raises:
            SceneError: no state has room for it.
        """
        if variable not in self._pairs:
            self._pairs[variable] = minimal_pairs(self.states(), variable, seed=self.inputs.plan.seed)
        return self._pairs[variable]

    def split(self, *variables: str) -> tuple[MinimalPairs, MinimalPairs]:
        """(choose, report): pairs of two sets of levels that have none in common, the same for every variable.

        Raises:
            SceneError: no state has room for one of the variables.
        """
        pairs = joined([self.pairs(variable) for variable in variables], variable=" or ".join(variables))
        rng = np.random.default_rng([self.inputs.plan.seed, 5])
        levels = rng.permutation(np.unique([state.level_seed for state in self.states()]))
        chosen = np.isin(pairs.levels, levels[: round(CHOOSE * len(levels))])
        return pairs.select(chosen), pairs.select(~chosen)


def scenes(inputs: Inputs) -> Scenes:
    """Those of the plan's levels."""
    return Scenes(inputs)
