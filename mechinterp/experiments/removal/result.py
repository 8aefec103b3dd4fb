"""Episodes with the network blinded to an object."""

from __future__ import annotations

from mechinterp.experiments.fields import EstimateField, Record


class Part(Record):
    """What the network is blinded by.

    Attributes:
        thing: to what.
        hook: the layer.
        channels: those that are ablated; None where a direction is projected out.
        effect: of the object on single frames: mean absolute change of the movement log-odds, in nats.
        left: how far the blinded network is from one that cannot see the object and is otherwise the same, in nats.
        like_coin: cosine of what the object changes and what the coin does; None in another layer than its.
    """

    thing: str
    hook: str
    channels: tuple[int, ...] | None
    effect: EstimateField
    left: EstimateField
    like_coin: float | None


class Arm(Record):
    """What becomes of the games under one intervention.

    Attributes:
        shares: of games, by measure.
        changes: the same minus that of the plain policy, paired by game; none of the plain policy itself. Of a blinding
            to the coin at forks, the null has the same change under random channels, or random directions.
    """

    shares: dict[str, EstimateField]
    changes: dict[str, EstimateField]


class Result(Record):
    """Removal of the coin and of hazards.

    Attributes:
        parts: how it is blinded, by the name of the intervention.
        forks: hand-designed levels with the coin on one side; by intervention.
        levels: held-out levels, agent and coin at random places.
        fork_steps, level_steps: when an episode is given up.
        random: random sets of channels, and random directions, each.
    """

    parts: dict[str, Part]
    forks: dict[str, Arm]
    levels: dict[str, Arm]
    fork_steps: int
    level_steps: int
    random: int
