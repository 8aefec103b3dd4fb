"""What was found about the tendency to go right."""

from __future__ import annotations

from mechinterp.experiments.fields import EstimateField, Record


class Steering(Record):
    """What the steering vector "right" of one layer does, on held-out levels.

    Attributes:
        added, subtracted: change of the movement log-odds, in nats; the null has random directions of the same norm.
        consistent: share of frames in which adding raises the log-odds and subtracting lowers them; the null has the
            same share for each random direction.
        relative_norm: of the vector, as a share of the mean norm of the activations around their mean.
    """

    added: EstimateField
    subtracted: EstimateField
    consistent: EstimateField
    relative_norm: float


class Result(Record):
    """The movement log-odds log P(right) - log P(left) over natural frames, in nats.

    Attributes:
        mean: the part that does not depend on the frame.
        standard_deviation: over frames: what the input decides.
        parts: direct logit attribution of the mean, by part; they add up to it.
        constant_share: mean^2 / (mean^2 + variance), 0 to 1.
        prefers_right: share of frames in which right is likelier than left.
        black_frame: the log-odds on a black frame.
        hook: the layer that the logits read; `units` is its size.
        units_needed: how many units it takes, the largest first, to cover 80 % of the absolute mean contributions.
        top_units: by number, the mean contribution of those with the largest on the levels that choose, on the others.
        steering: hook point -> what its steering vector does, in the network's order.
        left_out: what could not be measured, and why.
    """

    mean: EstimateField
    standard_deviation: EstimateField
    parts: dict[str, EstimateField]
    constant_share: float
    prefers_right: EstimateField
    black_frame: float
    hook: str
    units: int
    units_needed: int
    top_units: dict[int, EstimateField]
    steering: dict[str, Steering]
    left_out: dict[str, str]
