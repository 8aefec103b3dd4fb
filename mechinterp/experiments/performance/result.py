"""What was found about performance."""

from __future__ import annotations

from mechinterp.experiments.fields import EstimateField, Record


class Actor(Record):
    """One actor on stock levels.

    Attributes:
        mean_return: reward of a whole first episode of each level, 0 to 10.
        endings: share of levels that ended so: coin, saw, enemy, lava, several (hazards at once), timeout.
    """

    mean_return: EstimateField
    endings: dict[str, EstimateField]


class Baseline(Actor):
    """An actor that the policy is compared with.

    Attributes:
        advantage: the policy's return minus this actor's on the same levels (paired).
    """

    advantage: EstimateField


class Result(Record):
    """Return and endings of the policy and of baselines, on held-out stock levels.

    Attributes:
        best: the largest possible return.
        baselines: by name: a rule that always goes right and jumps, uniform random actions, an untrained network.
    """

    best: float
    policy: Actor
    baselines: dict[str, Baseline]
