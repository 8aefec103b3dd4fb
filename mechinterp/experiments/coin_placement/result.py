"""Outcomes of episodes with the coin elsewhere."""

from __future__ import annotations

from pydantic import model_validator

from mechinterp.experiments.fields import EstimateField, Record
from mechinterp.stats import Estimate


class Outcomes(Record):
    """Share of levels for each way in which an episode ends; they add up to 1.

    Attributes:
        coin: it took the coin; None where there is none to take.
        end: it reached the last column without it.
        died: of a hazard.
        timeout: none of these in time.
    """

    coin: EstimateField | None
    end: EstimateField
    died: EstimateField
    timeout: EstimateField

    @model_validator(mode="after")
    def _all_counted(self) -> Outcomes:
        total = sum(share.value for share in self.shares().values())
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the outcomes add up to {total:.6g}, not 1")
        return self

    def shares(self) -> dict[str, Estimate]:
        """Those that can happen, by name."""
        coin = {} if self.coin is None else {"coin": self.coin}
        return {**coin, "end": self.end, "died": self.died, "timeout": self.timeout}


class Placement(Record):
    """Episodes on the same levels, the coin placed by one rule.

    Attributes:
        label: where the coin is: "at a random place".
        policy: what becomes of the policy.
        blind: the same for a rule that looks at nothing: always right, always jump.
        over_end: share of levels in which the policy takes the coin, minus those in which it reaches the end instead;
            None where there is no coin.
        over_blind: share of levels in which the policy takes the coin, minus those in which the rule does, paired by
            level; None where there is no coin.
    """

    label: str
    policy: Outcomes
    blind: Outcomes
    over_end: EstimateField | None
    over_blind: EstimateField | None


class Result(Record):
    """Outcomes with the coin where it was in training, and elsewhere.

    Attributes:
        max_steps: when an episode is ended as a timeout.
        placements: by the placement rule, as the command line writes it; "stock" is the placement of training levels
            of stock CoinRun.
    """

    max_steps: int
    placements: dict[str, Placement]
