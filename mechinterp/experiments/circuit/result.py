"""Circuits that carry the effects of variables on readouts."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import model_validator

from mechinterp.experiments.fields import Array, EstimateField, Record

Channel = tuple[str, int]
"""A hook point and the number of one of its channels."""
PerChannel = Annotated[np.ndarray, Array("float32", "channels")]


class Edge(Record):
    """A direct effect from channel to channel, by denoising; drawn, and no claim.

    Attributes:
        source, target: hook point and channel.
        effect: in the readout's unit.
    """

    source: Channel
    target: Channel
    effect: float


class Faithfulness(Record):
    """Circuits of one ranking in one direction, on held-out levels.

    Attributes:
        sizes: channels in the circuit -> share of the total effect that it carries; its null a few random circuits with
            as many channels in every layer.
        chosen: of the chosen circuit; p is its rank among `Result.random_circuits` of these.
        random: the mean share of random circuits of its size; None where it holds every channel.
        cpr: the area under faithfulness over the share of all channels.
        cmd: the area between faithfulness and 1.
    """

    sizes: dict[int, EstimateField]
    chosen: EstimateField
    random: EstimateField | None
    cpr: EstimateField
    cmd: EstimateField


class Circuit(Record):
    """The smallest circuit that was faithful enough both ways on the levels that choose.

    Attributes:
        channels: what it is made of.
        edges: the strongest effects between its strongest channels.
        denoise, noise: how faithful it is on held-out levels.
        stability: the Jaccard index of circuits chosen on resampled levels.
    """

    channels: tuple[Channel, ...]
    edges: tuple[Edge, ...]
    denoise: Faithfulness
    noise: Faithfulness
    stability: EstimateField


class Question(Record):
    """A variable of the world, the readout that it may move, and the circuit between them.

    Attributes:
        readout: its name.
        measured: its change with its sign; the size of its change, in pairs that differ in sign; or the effect of one
            variable with another one, minus its effect without.
        clean, corrupted: what the variable is on each side of a pair.
        pairs, pairs_choose: pairs reported on, and pairs of other levels that chose the circuit.
        total: readout(clean) minus readout(corrupted), in the readout's unit.
        random_p: p of the rank of the total effect among those of random networks; None where it was not ranked (sizes
            of changes and interactions are not).
        denoise, noise: by hook point, the effect of each channel by itself on the levels that choose.
        circuit: None where there is no effect that a circuit could carry.
    """

    readout: str
    measured: Literal["signed", "unsigned", "interaction"] = "signed"
    clean: str
    corrupted: str
    pairs: int
    pairs_choose: int
    total: EstimateField
    random_p: float | None = None
    denoise: dict[str, PerChannel]
    noise: dict[str, PerChannel]
    circuit: Circuit | None

    @property
    def candidates(self) -> int:
        """Channels that a circuit may be made of."""
        return sum(len(values) for values in self.denoise.values())

    @model_validator(mode="after")
    def _agree(self) -> Question:
        widths = {hook: len(values) for hook, values in self.denoise.items()}
        if {hook: len(values) for hook, values in self.noise.items()} != widths:
            raise ValueError("denoise and noise must have the same hook points with as many channels")
        for hook, channel in () if self.circuit is None else self.circuit.channels:
            if not 0 <= channel < widths.get(hook, 0):
                raise ValueError(f"{hook} channel {channel} is in the circuit, but not among the candidates")
        return self


class Result(Record):
    """A circuit for each question.

    Attributes:
        share: of the total effect that a circuit had to carry both ways where it was chosen.
        random_circuits: how many each chosen circuit is ranked among.
        questions: by variable; those for which too few states had room are left out.
    """

    share: float
    random_circuits: int
    questions: dict[str, Question]
