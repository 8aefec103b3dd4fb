"""Outcomes of episodes with the coin elsewhere."""

from __future__ import annotations

from pydantic import model_validator

from mechinterp.experiments.fields import EstimateField, Record


class Placement(Record):
    """Episodes on the same levels, the coin placed by one rule.

    Attributes:
        label: where the coin is: "at a random place".
        policy: share of levels for each outcome: coin (took it), end (reached the last column without it), died,
            timeout (none of these in time). They add up to 1; "coin" is left out where there is none to take.
        blind: the same for a rule that looks at nothing: always right, always jump.
    """

    label: str
    policy: dict[str, EstimateField]
    blind: dict[str, EstimateField]

    @model_validator(mode="after")
    def _all_counted(self) -> Placement:
        for actor, shares in (("policy", self.policy), ("blind", self.blind)):
            total = sum(share.value for share in shares.values())
            if abs(total - 1) > 1e-6:
                raise ValueError(f"the outcomes of {actor} add up to {total:.6g}, not 1")
        return self

    @property
    def can_take_coin(self) -> bool:
        """Whether there is a coin to take."""
        return "coin" in self.policy


class Result(Record):
    """Outcomes with the coin where it was in training, and elsewhere.

    Attributes:
        max_steps: when an episode is ended as a timeout.
        placements: by the placement rule, as the command line writes it; "stock" is the placement of training levels
            of stock CoinRun.
    """

    max_steps: int
    placements: dict[str, Placement]
