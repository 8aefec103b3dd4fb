"""Frames of the same level under several interventions."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from mechinterp.experiments.fields import Array, Record


class Strip(Record):
    """One episode.

    Attributes:
        intervention: what was done.
        frames: what the policy saw at each of the steps of `Film.steps` that the episode had.
        ending: how it ended, in words.
        length: of the episode, in steps.
    """

    intervention: str
    frames: Annotated[np.ndarray, Array("uint8", "steps 64 64 3")]
    ending: str
    length: int


class Film(Record):
    """One level.

    Attributes:
        level: in words.
        strips: an episode for each intervention.
    """

    level: str
    strips: tuple[Strip, ...]


class Result(Record):
    """Filmstrips.

    Attributes:
        films: one a level.
        every: steps from a frame to the next.
        dose: of steering, times the vector.
    """

    films: tuple[Film, ...]
    every: int
    dose: float
