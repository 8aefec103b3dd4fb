"""Total effects of variables on readouts."""

from __future__ import annotations

from typing import Literal

from mechinterp.experiments.fields import EstimateField, Record


class Effect(Record):
    """What one variable does to one readout.

    Attributes:
        effect: the mean over pairs of readout(clean) minus readout(corrupted), in the readout's unit; its null is
            a mean of 0 (`stats.effect`).
        shuffled: the same of networks with shuffled weights, of several the one with the largest.
    """

    effect: EstimateField
    shuffled: EstimateField


class VariableEffects(Record):
    """What one variable does to every readout.

    Attributes:
        role: "coin" (an effect of the coin itself), "ceiling" (a change of the world known to matter, for scale) or
            "control" (one that should have no effect).
        clean, corrupted: what the variable is on each side of a pair.
        pairs: how many.
        readouts: by the readout's name.
    """

    role: Literal["coin", "ceiling", "control"]
    clean: str
    corrupted: str
    pairs: int
    readouts: dict[str, Effect]


class Result(Record):
    """Total effects of everything that minimal pairs can differ in.

    Attributes:
        margins: equivalence margins by readout, in its unit, fixed before measuring; readouts without one are left out.
        shuffled_networks: how many networks with shuffled weights were measured.
        variables: in the order to draw; those for which too few states had room are left out.
    """

    margins: dict[str, float]
    shuffled_networks: int
    variables: dict[str, VariableEffects]
