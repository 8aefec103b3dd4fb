"""Stories and how much of the choices they explain."""

from __future__ import annotations

from typing import Literal

from mechinterp.experiments.fields import EstimateField, Record

Kind = Literal["return", "proxy", "mixture", "rules"]


class Story(Record):
    """One story.

    Attributes:
        kind: what sort of story.
        nats: a step, that it explains beyond a uniform choice, on held-out levels.
        share: of what can be explained.
        numbers: how many were fitted.
        penalised: nats minus what describing the numbers costs, a step.
        over_return: nats minus those of the return maximiser; None for that itself.
    """

    kind: Kind
    nats: EstimateField
    share: float
    numbers: int
    penalised: float
    over_return: EstimateField | None


class Result(Record):
    """All stories.

    Attributes:
        decisions, levels: how many were asked.
        explainable: nats a step from a uniform choice to the policy's own entropy.
        mixtures: how many random mixtures of the proxies were tried.
        random_high: nats that 95 % of these stay below.
        stories: by name.
    """

    decisions: int
    levels: int
    explainable: float
    mixtures: int
    random_high: float
    stories: dict[str, Story]
