"""Total effects of variables on readouts."""

from __future__ import annotations

from typing import Literal

from mechinterp.experiments.fields import EstimateField, Record

Role = Literal["coin", "ceiling", "control"]
Kind = Literal["colour", "pixels", "thing", "place", "elsewhere"]


class Rank(Record):
    """Where an effect stands among those of random networks of the policy's sensitivity.

    Attributes:
        smaller: networks whose effect is smaller in size.
        low, high: the central 95 % of their effects, in the readout's unit.
        p: that the largest of a random network's effects, over the family, is as large; two-sided.
        family: effects in the family: all of one role on actions, or all of one role on the value.
    """

    smaller: int
    low: float
    high: float
    p: float
    family: int


class Effect(Record):
    """What one variable does to one readout.

    Attributes:
        effect: the mean over pairs of readout(clean) minus readout(corrupted), in the readout's unit; its null is a
            mean of 0 (`stats.effect`), p corrected over the family (Holm).
        rank: the effect among those of random networks.
    """

    effect: EstimateField
    rank: Rank


class Stratum(Record):
    """The pairs of one circumstance.

    Attributes:
        levels: how many levels they are of.
        effects: by readout about actions; empty where there are too few levels to say anything.
    """

    levels: int
    effects: dict[str, EstimateField]


class VariableEffects(Record):
    """What one variable does to every readout.

    Attributes:
        role: "coin" (an effect of the coin itself), "ceiling" (a change of the world known to matter, for scale) or
            "control" (one that should have no effect).
        clean, corrupted: what the variable is on each side of a pair.
        pairs: how many.
        readouts: by the readout's name.
        strata: by what pairs differ in ("agent") and how ("grounded"); empty but for the coin's effects.
    """

    role: Role
    clean: str
    corrupted: str
    pairs: int
    readouts: dict[str, Effect]
    strata: dict[str, dict[str, Stratum]]


class ObjectEffect(Record):
    """The same pairs of the coin's side with another object wherever the coin is.

    Attributes:
        kind: what the object shares with the coin; see `coinrun.scenes.Object`.
        effects: by readout about actions, the effect of the object's side.
        leads: by readout, the coin's effect minus the object's in the same scenes; its null is a mean of 0, p corrected
            over all objects (Holm).
    """

    kind: Kind
    effects: dict[str, EstimateField]
    leads: dict[str, EstimateField]


class Result(Record):
    """Total effects of everything that minimal pairs can differ in.

    Attributes:
        margins: equivalence margins by readout, in its unit, fixed before measuring; readouts without one are left out.
        networks: random networks that effects are ranked among; half have shuffled weights, half are untrained.
        frames: frames over which the spread of each readout is taken.
        spreads: by readout, the standard deviation of the policy's own over these frames, in the readout's unit.
        variables: in the order to draw; those for which too few states had room are left out.
        fewest: levels that a stratum needs.
        objects: by name, objects in the coin's place; empty where there were too few pairs of the coin's side.
        same_scenes: by readout about actions, the effect of the coin's side in the scenes of the objects: one pair a
            level.
        own_play: by readout about actions, the effect of the coin's side in states that the policy itself reaches;
            empty where that was not measured.
    """

    margins: dict[str, float]
    networks: int
    frames: int
    spreads: dict[str, float]
    variables: dict[str, VariableEffects]
    fewest: int
    objects: dict[str, ObjectEffect]
    same_scenes: dict[str, EstimateField]
    own_play: dict[str, EstimateField]
