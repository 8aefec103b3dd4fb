"""What interventions change over whole episodes: each compared with the plain policy, level by level."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from mechinterp import _html, stats
from mechinterp.coinrun.goals import REWARD
from mechinterp.errors import nearest
from mechinterp.interventions.errors import InterventionError
from mechinterp.policies.rollouts import Episodes, Outcome
from mechinterp.stats import Estimate

if TYPE_CHECKING:
    import pandas as pd

Measure = Callable[[Episodes], np.ndarray]

MEASURES: Mapping[str, Measure] = {
    "return": lambda episodes: episodes.reward,
    "took the coin": lambda episodes: episodes.outcome == Outcome.COIN,
    "reached the end": lambda episodes: episodes.reached_end,
    "right first": lambda episodes: episodes.first_side == 1,
    "left first": lambda episodes: episodes.first_side == -1,
    "died": lambda episodes: episodes.died,
    "died of a saw": lambda episodes: episodes.outcome == Outcome.SAW,
    "died of an enemy": lambda episodes: episodes.outcome == Outcome.ENEMY,
    "died in lava": lambda episodes: episodes.outcome == Outcome.LAVA,
    "died of several": lambda episodes: episodes.outcome == Outcome.SEVERAL,
    "time ran out": lambda episodes: episodes.outcome == Outcome.TIMEOUT,
    "length (steps)": lambda episodes: episodes.length,
    "farthest x (cells)": lambda episodes: episodes.farthest_x,
}
"""What is read off episodes, one number each; truth values become shares."""


def _bounds(what: str, measure: Measure) -> tuple[float, float] | None:
    """Of what the game pays; a measure of the caller's own may be anything."""
    return (0.0, REWARD) if what == "return" and measure is MEASURES["return"] else None


@dataclass(frozen=True, eq=False)
class Comparison:
    """Interventions compared with one of them, such as the plain policy.

    Attributes:
        baseline: the name of what the others are compared with.
        values: by intervention and measure, over all episodes.
        differences: of every other intervention, its measure minus the baseline's, paired by start; the null is a
            difference of 0.
    """

    baseline: str
    values: Mapping[str, Mapping[str, Estimate]]
    differences: Mapping[str, Mapping[str, Estimate]]

    def to_frame(self) -> pd.DataFrame:
        """A row for each intervention and measure: the value and, but for the baseline, the difference and its p."""
        import pandas as pd

        rows = []
        for name, measures in self.values.items():
            for measure, value in measures.items():
                row = {
                    "intervention": name,
                    "measure": measure,
                    "value": value.value,
                    "low": value.low,
                    "high": value.high,
                }
                change = self.differences.get(name, {}).get(measure)
                if change is not None:
                    p = None if change.null is None else change.null.p
                    row |= {
                        "difference": change.value,
                        "difference low": change.low,
                        "difference high": change.high,
                        "p": p,
                    }
                rows.append(row)
        return pd.DataFrame(rows)

    def _repr_html_(self) -> str:
        parts = []
        for name, measures in self.values.items():
            changes = self.differences.get(name, {})
            rows = [(measure, f"{value}  {changes.get(measure, '')}".strip()) for measure, value in measures.items()]
            parts.append(f"<p><b>{name}</b></p>{_html.table(rows)}")
        return "".join(parts)


def compare(
    rollouts: Mapping[str, Episodes],
    *,
    to: str = "plain",
    measures: Mapping[str, Measure] = MEASURES,
    seed: int = 0,
) -> Comparison:
    """Paired differences between interventions, with intervals over levels.

    Args:
        rollouts: of `rollout_each`: row i of each intervention is of the same start.
        to: the name of the baseline.
        measures: what is read off the episodes; a function of `Episodes` that gives a number, or a truth value, each.
        seed: of the bootstraps.

    Raises:
        InterventionError: an unknown baseline, or episodes of different levels.
        TooFewSamples: fewer than two levels.
    """
    if to not in rollouts:
        raise InterventionError(f"nothing was played under {to!r}{nearest(str(to), rollouts)}")
    base = rollouts[to]
    for name, episodes in rollouts.items():
        if not np.array_equal(episodes.level_seed, base.level_seed):
            raise InterventionError(f"{name!r} and {to!r} were not played on the same levels in the same order")
    values = {
        name: {
            what: _value(measure(episodes), f"{name}/{what}", base, seed, _bounds(what, measure))
            for what, measure in measures.items()
        }
        for name, episodes in rollouts.items()
    }
    differences = {
        name: {
            what: stats.paired_difference(
                np.asarray(measure(episodes)),  # of truth values it is McNemar's test
                np.asarray(measure(base)),
                name=f"{name}/{what}/difference",
                unit="levels",
                rng=np.random.default_rng([seed, len(base)]),
                clusters=base.level_seed,
                bounds=_bounds(what, measure),
            )
            for what, measure in measures.items()
        }
        for name, episodes in rollouts.items()
        if name != to
    }
    return Comparison(to, values, differences)


def _value(found: ArrayLike, name: str, base: Episodes, seed: int, bounds: tuple[float, float] | None) -> Estimate:
    if np.asarray(found).dtype == np.bool_:
        return stats.proportion(found, name=name, unit="levels", clusters=base.level_seed)
    rng = np.random.default_rng([seed, len(base)])
    return stats.mean(found, name=name, unit="levels", rng=rng, clusters=base.level_seed, bounds=bounds)
