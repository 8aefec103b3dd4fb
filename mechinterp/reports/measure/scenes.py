"""The minimal pairs that sections 4 to 6 share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mechinterp.coinrun.levels import LevelSource
from mechinterp.coinrun.scenes import MinimalPairs, joined, minimal_pairs
from mechinterp.coinrun.state import GameState
from mechinterp.policies.actors import PolicyActor
from mechinterp.policies.levels import LEVELS
from mechinterp.policies.visits import visited_states
from mechinterp.reports.measure.subject import Plan, Subject

CHOOSE = 0.4
"""Share of the scene levels on which channels are chosen; the rest report."""


@dataclass
class Scenes:
    """States that the policy itself reaches, and pairs made of them: computed when first asked for, then kept."""

    subject: Subject
    plan: Plan
    made: dict[str, MinimalPairs] = field(default_factory=dict)
    _states: list[GameState] = field(default_factory=list)

    def states(self) -> list[GameState]:
        """A sample of the states of an episode on each scene level."""
        if not self._states:
            source = LevelSource(self.subject.options, seed=self.plan.seed)
            try:
                starts = source.starts(LEVELS["scenes"].first(self.plan.levels))
            finally:
                source.close()
            actor = PolicyActor(self.subject.policy)
            self._states = visited_states(actor, starts, per_level=self.plan.states, seed=self.plan.seed)
        return self._states

    def pairs(self, variable: str) -> MinimalPairs:
        """The minimal pairs of one variable."""
        if variable not in self.made:
            self.made[variable] = minimal_pairs(self.states(), variable, seed=self.plan.seed)
        return self.made[variable]

    def split(self, *variables: str) -> tuple[MinimalPairs, MinimalPairs]:
        """(choose, report): pairs of two sets of levels that have none in common, the same for every variable."""
        pairs = joined([self.pairs(variable) for variable in variables], variable=" or ".join(variables))
        rng = np.random.default_rng([self.plan.seed, 5])
        levels = rng.permutation(np.unique([state.level_seed for state in self.states()]))
        chosen = np.isin(pairs.levels, levels[: round(CHOOSE * len(levels))])
        return pairs.select(chosen), pairs.select(~chosen)
