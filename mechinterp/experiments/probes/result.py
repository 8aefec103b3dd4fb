"""What was decoded by linear probes."""

from __future__ import annotations

from typing import Literal

from mechinterp.experiments.fields import EstimateField, Record

PLACE = "place of the coin"
"""The label of the 1 x 1 convolutional probe, which is asked of maps alone."""


class Probe(Record):
    """One label at one hook point; see `features.probing.Probe`.

    Attributes:
        kind: "class" (scores are balanced accuracies), "number" (R squared) or "place" (share of correct guesses).
        score: on held-out levels; its null has shuffled labels.
        above_baseline: the score minus that of the best baseline, paired by scene.
        best_baseline: which that is.
    """

    kind: Literal["class", "number", "place"]
    score: EstimateField
    above_baseline: EstimateField
    best_baseline: str


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
