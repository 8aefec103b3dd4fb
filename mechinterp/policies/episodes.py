"""What whole episodes came to: how each ended, what it earned, how far it went."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float64, Int64

if TYPE_CHECKING:
    import pandas as pd


class Outcome(IntEnum):
    """How an episode ended."""

    COIN = 0
    SAW = 1
    ENEMY = 2
    LAVA = 3
    TIMEOUT = 4
    """The game's own clock (1000 steps), or ``max_steps``, ran out."""
    STOPPED = 5
    """Reached the goal given as ``stop_at`` (such as the end of the level) before anything else."""
    SEVERAL = 6
    """Died of two hazards in the same step."""


DEATHS = (Outcome.SAW, Outcome.ENEMY, Outcome.LAVA, Outcome.SEVERAL)


@dataclass(frozen=True, repr=False)
class Episodes:
    """One row for each start, in the order of the starts.

    Attributes:
        level_seed: of the start.
        outcome: an `Outcome`.
        reward: sum of rewards (10 for a coin).
        length: steps.
        farthest_x: the largest x that the agent's centre reached, in cells.
        reached_end: whether it stood in the level's last column (``Start.end_x``) or beyond at any time; true of a coin
            taken there.
        first_side: the side on which it first was a whole cell from where it began: 1 right, -1 left, 0 never.
    """

    level_seed: Int64[np.ndarray, " episodes"]
    outcome: Int64[np.ndarray, " episodes"]
    reward: Float64[np.ndarray, " episodes"]
    length: Int64[np.ndarray, " episodes"]
    farthest_x: Float64[np.ndarray, " episodes"]
    reached_end: Bool[np.ndarray, " episodes"]
    first_side: Int64[np.ndarray, " episodes"]

    def __len__(self) -> int:
        return len(self.level_seed)

    def __repr__(self) -> str:
        counts = {kind.name.lower(): int((self.outcome == kind).sum()) for kind in Outcome}
        return f"Episodes({len(self)}: {', '.join(f'{count} {name}' for name, count in counts.items() if count)})"

    def to_frame(self) -> pd.DataFrame:
        """One row for each episode, as pandas has it; outcomes by name."""
        import pandas as pd

        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        return pd.DataFrame(columns | {"outcome": [Outcome(kind).name.lower() for kind in self.outcome]})

    @property
    def died(self) -> Bool[np.ndarray, " episodes"]:
        """Whether a hazard ended the episode."""
        return np.isin(self.outcome, DEATHS)
