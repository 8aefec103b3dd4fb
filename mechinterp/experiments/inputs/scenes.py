"""The minimal pairs that several slices share, made of the states that are common to all policies."""

from __future__ import annotations

from dataclasses import dataclass, field

from mechinterp.coinrun.scenes import MinimalPairs
from mechinterp.experiments.inputs.shared import Inputs


@dataclass(eq=False)
class Scenes:
    """Minimal pairs on as many levels, and from as many states of each, as the plan says: made when first asked for.

    The states are those of the pool, so that every policy is asked the same, but for levels that its training saw. The
    pool has fewer levels than there are for behaviour: with a plan of more, all of its levels are taken.
    """

    inputs: Inputs
    _pairs: dict[str, MinimalPairs] = field(default_factory=dict)
    _halves: dict[tuple[str, ...], tuple[MinimalPairs, MinimalPairs]] = field(default_factory=dict)

    @property
    def levels(self) -> int:
        """How many levels of the pool are used."""
        subject = self.inputs.subject
        return min(self.inputs.plan.levels, subject.pool_levels)

    def pairs(self, variable: str) -> MinimalPairs:
        """The minimal pairs of one variable.

        Raises:
            SceneError: no state has room for it.
        """
        if variable not in self._pairs:
            subject, plan = self.inputs.subject, self.inputs.plan
            self._pairs[variable] = subject.pairs(variable, levels=self.levels, per_level=plan.states, seed=plan.seed)
        return self._pairs[variable]

    def split(self, *variables: str) -> tuple[MinimalPairs, MinimalPairs]:
        """(choose, report): pairs of two sets of levels that have none in common, the same sets for every variable.

        Raises:
            SceneError: no state has room for one of the variables, or one set of levels has no pair.
        """
        if variables not in self._halves:
            subject, plan = self.inputs.subject, self.inputs.plan
            self._halves[variables] = subject.split(
                *variables, levels=self.levels, per_level=plan.states, seed=plan.seed
            )
        return self._halves[variables]


def scenes(inputs: Inputs) -> Scenes:
    """Those of the plan's levels."""
    return Scenes(inputs)
