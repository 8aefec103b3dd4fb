"""Acting for games of which some are played by a network with other weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from mechinterp.interventions.actors import EachActor
from mechinterp.interventions.base import Edit
from mechinterp.policies.actors import Games


@dataclass(frozen=True, eq=False)
class ByNetwork:
    """Acts for many games of which some are played by a network with other weights; see `EachActor`.

    Attributes:
        actors: one for each network, of the same sets.
        network_of: which of them plays each set.
    """

    actors: Sequence[EachActor]
    network_of: Int64[np.ndarray, " sets"]

    @property
    def sets(self) -> Mapping[str, Sequence[Edit]]:
        """The sets of edits."""
        return self.actors[0].sets

    @property
    def seen(self) -> Int64[np.ndarray, " sets"]:
        """See `EachActor`."""
        return np.sum([actor.seen for actor in self.actors], 0)

    @property
    def done(self) -> tuple[Int64[np.ndarray, " edits"], ...]:
        """See `EachActor`."""
        return tuple(np.sum(counts, 0) for counts in zip(*[actor.done for actor in self.actors], strict=True))

    def __call__(
        self, frames: UInt8[np.ndarray, "batch 64 64 3"], uniform: Float64[np.ndarray, " batch"]
    ) -> Int64[np.ndarray, " batch"]:
        """All rows by the first network, under the first set."""
        return self.actors[self.network_of[0]](frames, uniform)

    def act(
        self, frames: UInt8[np.ndarray, "batch 64 64 3"], uniform: Float64[np.ndarray, " batch"], games: Games
    ) -> Int64[np.ndarray, " batch"]:
        """Each row by the network of its set."""
        sets = self.actors[0].set_of
        assert sets is not None
        networks = self.network_of[sets[games.episodes]]
        chosen = np.zeros(len(frames), np.int64)
        for number in np.unique(networks):
            rows = np.flatnonzero(networks == number)
            states = [games.states[row] for row in rows]
            part = Games(states, games.episodes[rows], games.steps[rows], games.levels[rows])
            chosen[rows] = self.actors[number].act(frames[rows], uniform[rows], part)
        return chosen
