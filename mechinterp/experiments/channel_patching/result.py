"""Effects of patching the channels that respond to the coin."""

from __future__ import annotations

from typing import Literal

from mechinterp.experiments.fields import EstimateField, Record

Direction = Literal["denoise", "noise"]


class Patched(Record):
    """Patches at one hook point in one direction: how much of the total effect each restores, or removes, in nats.

    Positive is the sign of clean minus corrupted, as for the total effect.

    Attributes:
        chosen: of the chosen channels.
        random: of as many random channels of the hook point, the mean over sets; None where the chosen ones are all.
        every: of all channels.
        difference: chosen minus random, paired; its null has each random set in the place of the chosen one, and p is
            the rank of the chosen one among them, in the direction of the total effect.
        sets: how many random sets that is: fewer than were asked for where there are no more.
        share: chosen over the total effect; None where the total effect cannot be distinguished from 0.
    """

    chosen: EstimateField
    random: EstimateField | None
    every: EstimateField
    difference: EstimateField | None
    sets: int
    share: EstimateField | None


class Site(Record):
    """One hook point.

    Attributes:
        channels: the chosen ones.
        denoise: clean activations put into the corrupted run.
        noise: corrupted activations put into the clean run.
    """

    channels: tuple[int, ...]
    denoise: Patched
    noise: Patched


class Result(Record):
    """Patching between the two sides of minimal pairs.

    Attributes:
        clean, corrupted: what differs: "coin right", "coin left".
        pairs: minimal pairs reported on.
        pairs_choose: pairs of the levels that chose the channels.
        random_sets: sets of random channels at each hook point, at most.
        total: movement(clean) minus movement(corrupted), nats.
        random_p: p of the rank of the coin side's total effect on movement among those of random networks; None where
            it was not ranked.
        sites: by hook point, in running order.
    """

    clean: str
    corrupted: str
    pairs: int
    pairs_choose: int
    random_sets: int
    total: EstimateField
    random_p: float | None
    sites: dict[str, Site]
