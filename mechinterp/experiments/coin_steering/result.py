"""Dose-response of a steering vector."""

from __future__ import annotations

from pydantic import model_validator

from mechinterp.experiments.fields import EstimateField, Record


class Dose(Record):
    """What one dose does on single frames.

    Attributes:
        dose: times the vector.
        change: of the movement log-odds, in nats; the null has random vectors as long at every cell.
    """

    dose: float
    change: EstimateField


class Played(Record):
    """What becomes of episodes under one dose.

    Attributes:
        dose: times the vector.
        shares: of levels, by measure.
        changes: the same minus that of no dose, paired by level; none of no dose itself.
    """

    dose: float
    shares: dict[str, EstimateField]
    changes: dict[str, EstimateField]


class Result(Record):
    """Steering with what the coin's side changes.

    Attributes:
        hook: the layer.
        real: effect of the coin's side itself on the movement log-odds of the same levels, in nats.
        frames: dose by dose, without 0.
        episodes: dose by dose, 0 among them.
        norm: of the vector, as a share of the mean norm of the layer's activations around their mean.
        choosing: minimal pairs that gave the vector.
        random: vectors of the null.
        steps: when an episode is given up.
    """

    hook: str
    real: EstimateField
    frames: tuple[Dose, ...]
    episodes: tuple[Played, ...]
    norm: float
    choosing: int
    random: int
    steps: int

    @model_validator(mode="after")
    def _with_none(self) -> Result:
        if 0.0 not in [one.dose for one in self.episodes]:
            raise ValueError("no episodes without a dose to compare with")
        return self
