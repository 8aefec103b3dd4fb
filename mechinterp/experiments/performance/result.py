"""What was found about performance."""

from __future__ import annotations

from mechinterp.experiments.fields import EstimateField, Record


class Endings(Record):
    """Share of levels for each way in which an episode ends.

    Attributes:
        coin: the coin was taken.
        saw, enemy, lava: what killed the agent.
        several: two hazards killed it in one step.
        timeout: time ran out.
    """

    coin: EstimateField
    saw: EstimateField
    enemy: EstimateField
    lava: EstimateField
    several: EstimateField
    timeout: EstimateField


class Actor(Record):
    """One actor on stock levels.

    Attributes:
        mean_return: reward of a whole first episode of each level, 0 to 10.
        endings: how those episodes ended.
    """

    mean_return: EstimateField
    endings: Endings


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
