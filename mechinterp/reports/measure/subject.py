"""The policy that a report is about, and how much is to be measured."""

from __future__ import annotations

from dataclasses import dataclass

from mechinterp.policies.levels import LEVELS
from mechinterp.policies.subject import Subject as Subject
from mechinterp.policies.subject import network_words as network_words
from mechinterp.reporting.errors import ResultsError

MOST_LEVELS = min(LEVELS["behaviour"].count, LEVELS["scenes"].count)


@dataclass(frozen=True)
class Plan:
    """How much to measure. Everything that decides a number is here.

    Attributes:
        levels: unseen levels for behaviour; scenes come from as many others.
        seed: of every random draw.
        states: states sampled from each scene level.
        untrained: networks with random weights that make the null.
        max_steps: when an episode with a relocated coin is given up, in steps.
        channels: channels chosen at each hook point.
        random_sets: sets of random channels beside them.
        circuit_pairs: pairs that circuits are chosen on, and as many others that they are reported on.
        random_circuits: random circuits at each size.
    """

    levels: int = 200
    seed: int = 0
    states: int = 3
    untrained: int = 5
    max_steps: int = 400
    channels: int = 4
    random_sets: int = 5
    circuit_pairs: int = 60
    random_circuits: int = 6

    def __post_init__(self) -> None:
        if not 10 <= self.levels <= MOST_LEVELS:
            raise ResultsError(f"levels: {self.levels}; a report needs 10 to {MOST_LEVELS:,} for its intervals")

    @classmethod
    def quick(cls, *, levels: int = 40, seed: int = 0) -> Plan:
        """A first look: wide intervals, in under a minute."""
        smaller = {"untrained": 2, "random_sets": 2, "circuit_pairs": 12, "random_circuits": 3}
        return cls(levels=levels, seed=seed, states=2, max_steps=250, **smaller)
