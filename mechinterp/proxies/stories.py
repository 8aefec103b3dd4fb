"""Which story explains the choices, in nats a step: that it maximises the return, or wants a proxy, or reacts by rule.

Every story gives the probability of each action; it is scored by the policy's own choices on levels that it was not
fitted to, from 0 (a uniform choice) to the policy's own entropy. A planner's story is a softmax of its action values,
with one sharpness for all decisions: its score is the maximum-entropy goal-directedness of MacDermott et al. (2024),
out of sample. What a story costs is the description of its numbers, log(n) / 2 nats each (Schwarz 1978).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from sklearn.tree import DecisionTreeRegressor

from mechinterp import stats
from mechinterp.proxies.logit import cross_entropy, entropy, fit
from mechinterp.stats import Estimate

_FOLDS = 5
_PENALTY = 0.02
"""Of the squared sharpness, in nats: without it, a value that differs in a few decisions alone would be trusted without
bounds, and cost whole nats where it errs."""
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
        each: nats of each decision.
    """

    nats: Estimate
    share: float
    numbers: int
    penalised: float
    each: Float64[np.ndarray, " decisions"]


def score(
    story: Story,
    probabilities: Float64[np.ndarray, "decisions actions"],
    levels: Int64[np.ndarray, " decisions"],
    *,
    name: str,
    rng: np.random.Generator,
) -> Score:
    """Fit a story on four fifths of the levels and score it on the others, five times."""
    _, cluster = np.unique(levels, return_inverse=True)
    each, numbers = np.empty(len(levels)), 0
    for fold in range(_FOLDS):
        train, test = np.flatnonzero(cluster % _FOLDS != fold), np.flatnonzero(cluster % _FOLDS == fold)
        loss, numbers = story(train, test)
        each[test] = np.round(np.log(probabilities.shape[1]) - loss, 12)  # a uniform choice explains exactly nothing
    room = float((np.log(probabilities.shape[1]) - entropy(probabilities)).mean())
    nats = stats.mean(each, name=f"nats a step: {name}", unit="levels", rng=rng, clusters=levels)
    cost = numbers * np.log(len(levels)) / (2 * len(levels))
    return Score(nats, nats.value / room, numbers, nats.value - cost, each)


def softmax_of(
    values: Float64[np.ndarray, "decisions actions *features"], probabilities: Float64[np.ndarray, "decisions actions"]
) -> Story:
    """Choices in proportion to exp of the action values (one sharpness), or of a mixture of several (a weight each)."""
    table = _scaled(values[..., None] if values.ndim == 2 else values)

    def story(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, int]:
        weights = fit(table[train], probabilities[train], penalty=_PENALTY)
        return cross_entropy(table[test], probabilities[test], weights), table.shape[-1]

    return story


def best_softmax_of(
    variants: Float64[np.ndarray, "variants decisions actions"], probabilities: Float64[np.ndarray, "decisions actions"]
) -> Story:
    """As `softmax_of`, of whichever of several action values explains the decisions most that it learns from.

    A sharpness below 0 (an agent that avoids what it values) is no such story: it counts as 0.
    """
    tables = [_scaled(one[..., None]) for one in variants]

    def story(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, int]:
        fitted = [np.maximum(fit(table[train], probabilities[train], penalty=_PENALTY), 0.0) for table in tables]
        losses = [
            cross_entropy(table[train], probabilities[train], weight).mean()
            for table, weight in zip(tables, fitted, strict=True)
        ]
        best = int(np.argmin(losses))
        return cross_entropy(tables[best][test], probabilities[test], fitted[best]), 1 + (len(tables) > 1)

    return story


def reflexes(
    seen: Float64[np.ndarray, "decisions things"],
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
    stacked: Float64[np.ndarray, "decisions actions proxies"], *, draws: int, rng: np.random.Generator
) -> list[Float64[np.ndarray, "decisions actions"]]:
    """Action values for random mixtures of the proxies: what a story explains that was not made for this policy."""
    table = _scaled(stacked)
    return [table @ rng.normal(size=table.shape[-1]) for _ in range(draws)]


def _scaled(table: np.ndarray) -> Float64[np.ndarray, "decisions actions features"]:
    table = table - table.mean(1, keepdims=True)
    spread = table.std((0, 1))
    return table / np.where(spread > 0, spread, 1.0)
