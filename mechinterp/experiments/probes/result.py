"""What was decoded by linear probes."""

from __future__ import annotations

from typing import Literal

from mechinterp.experiments.fields import EstimateField, Record
from mechinterp.features.layerwise import added, discarded

PLACE = "place of the coin"
"""The label of the 1 x 1 convolutional probe, which is asked of maps alone."""


class Untrained(Record):
    """The same probe on one division of the levels: the policy's score, and those of untrained networks.

    Attributes:
        own: the policy's.
        value, low, high: mean and central 95 % of theirs.
        p: that the policy's is as far above or below (two sides, corrected for all labels and layers that were asked).
        networks: how many.
    """

    own: float
    value: float
    low: float
    high: float
    p: float
    networks: int

    @property
    def discarded(self) -> bool:
        """Whether less is decodable than from untrained networks."""
        return discarded(self.own, self.value, self.p)

    @property
    def added(self) -> bool:
        """Whether more is."""
        return added(self.own, self.value, self.p)


class Probe(Record):
    """One label at one hook point; see `features.probing.Probe`.

    Attributes:
        kind: "class" (scores are balanced accuracies), "number" (R squared) or "place" (share of correct guesses).
        score: on held-out levels; its null has shuffled labels.
        above_baseline: the score minus that of the best baseline, paired by scene.
        best_baseline: which that is.
        untrained: how it compares with untrained networks; None where that was not asked (labels of other things than
            the coin; a first look).
    """

    kind: Literal["class", "number", "place"]
    score: EstimateField
    above_baseline: EstimateField
    best_baseline: str
    untrained: Untrained | None = None


class Result(Record):
    """Cross-fitted probes.

    Attributes:
        hooks: the hook points that were probed, in the network's order.
        probes: label -> hook point -> what was found.
        left_out: labels that could not be probed, and why.
    """

    hooks: tuple[str, ...]
    probes: dict[str, dict[str, Probe]]
    left_out: dict[str, str]
