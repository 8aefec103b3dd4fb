"""Which story explains the choices, in nats a step: that it maximises the return, or wants a proxy, or reacts by rule.

Every story gives the probability of each action; it is scored by the policy's own choices on levels that it was not
fitted to, from 0 (a uniform choice) to the policy's own entropy. A planner's story is a softmax of its action values,
with one sharpness for all decisions: its score is the maximum-entropy goal-directedness of MacDermott et al. (2024),
out of sample. What a story costs is the description of its numbers, log(n) / 2 nats each (Schwarz 1978).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from sklearn.tree import DecisionTreeRegressor

from mechinterp import stats
from mechinterp.proxies.logit import cross_entropy, fit
from mechinterp.stats import Estimate

_FOLDS = 5
_FLOOR = 1e-3
"""Least probability that a rule gives an action: it saw a few dozen decisions of each kind."""

Story = Callable[[Int64[np.ndarray, " train"], Int64[np.ndarray, " test"]], tuple[Float64[np.ndarray, " test"], int]]
"""From decisions to learn from and others to be scored by: the cross-entropy of each of these, and how many numbers."""


@dataclass(frozen=True)
class Score:
    """How well a story explains.

    Attributes:
        nats: a step, that it explains of the choice beyond a uniform one, on held-out levels.
        share: of what can be explained.
        numbers: that were fitted.
        penalised: nats minus log(n) / 2n for each number.
    """

    nats: Estimate
    share: float
    numbers: int
    penalised: float


def score(
    story: Story,
    probabilities: Float64[np.ndarray, "decisions actions"],
    levels: Int64[np.ndarray, " decisions"],
    *,
    name: str,
    rng: np.random.Generator,
) -> tuple[Score, Float64[np.ndarray, " decisions"]]:
    """The score of a story, and the nats that it explains of each decision (to compare two stories by)."""
    _, cluster = np.unique(levels, return_inverse=True)
    explained, numbers = np.empty(len(levels)), 0
    for fold in range(_FOLDS):
        train, test = np.flatnonzero(cluster % _FOLDS != fold), np.flatnonzero(cluster % _FOLDS == fold)
        loss, numbers = story(train, test)
        explained[test] = np.log(probabilities.shape[1]) - loss
    own = -(probabilities * np.log(np.maximum(probabilities, 1e-300))).sum(1)
    room = float((np.log(probabilities.shape[1]) - own).mean())
    nats = stats.mean(explained, name=f"nats a step: {name}", unit="levels", rng=rng, clusters=levels)
    cost = numbers * np.log(len(levels)) / (2 * len(levels))
    return Score(nats, nats.value / room, numbers, nats.value - cost), explained


def softmax_of(
    values: Float64[np.ndarray, "decisions actions *features"], probabilities: Float64[np.ndarray, "decisions actions"]
) -> Story:
    """Choices in proportion to exp of the action values (one sharpness), or of a mixture of several (a weight each)."""
    table = values[..., None] if values.ndim == 2 else values
    table = table - table.mean(1, keepdims=True)
    spread = table.std((0, 1))
    table = table / np.where(spread > 0, spread, 1.0)

    def story(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, int]:
        weights = fit(table[train], probabilities[train])
        return cross_entropy(table[test], probabilities[test], weights), table.shape[-1]

    return story


def reflexes(
    seen: Float64[np.ndarray, "decisions objects"],
    probabilities: Float64[np.ndarray, "decisions actions"],
    *,
    leaves: int,
) -> Story:
    """A decision tree (Breiman et al. 1984) from where things are in the frame to how likely each action is."""

    def story(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, int]:
        tree = DecisionTreeRegressor(max_leaf_nodes=leaves, min_samples_leaf=10, random_state=0)
        told = np.clip(tree.fit(seen[train], probabilities[train]).predict(seen[test]), _FLOOR, None)
        told /= told.sum(1, keepdims=True)
        return -(probabilities[test] * np.log(told)).sum(1), leaves * (probabilities.shape[1] - 1) + 2 * (leaves - 1)

    return story


def random_mixtures(
    tables: Mapping[str, Float64[np.ndarray, "decisions actions"]],
    probabilities: Float64[np.ndarray, "decisions actions"],
    *,
    draws: int,
    rng: np.random.Generator,
) -> list[Story]:
    """Planners of random mixtures of the proxies: what a story explains that was not made for this policy."""
    stacked = np.stack([table / max(float(table.std()), 1e-12) for table in tables.values()], -1)
    return [softmax_of(stacked @ rng.normal(size=stacked.shape[-1]), probabilities) for _ in range(draws)]
