"""What the model is, and one episode of it."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from mechinterp.experiments.fields import Array, EstimateField, Record


class Layer(Record):
    """A hook point and the module that computes it.

    Attributes:
        hook: its name.
        module: the kind of module, such as "Conv2d".
        shape: of the activation of one frame: channels, height and width; a number of units; nothing for a scalar.
        parameters: of the module.
    """

    hook: str
    module: str
    shape: tuple[Annotated[int, Field(ge=1, le=1 << 24)], ...]
    parameters: int

    @property
    def channels(self) -> int:
        """Channels of the map, or units."""
        return self.shape[0] if self.shape else 1

    @property
    def side(self) -> int:
        """Cells along a side of the map; 1 where there is no map."""
        return self.shape[-1] if len(self.shape) == 3 else 1


class Training(Record):
    """How a model organism was trained, as its card says.

    Attributes:
        organism: its name.
        seed: of the training run.
        placement: rule of its levels.
        goal: what paid.
        steps: of training.
    """

    organism: str
    seed: int
    placement: str
    goal: str
    steps: int


class Source(Record):
    """The file that a foreign network was read from, and its layout."""

    file: str
    layout: str


class Episode(Record):
    """One episode, with what the policy put out at each step.

    Attributes:
        level: its seed.
        outcome: how it ended: coin, saw, enemy, lava, several (hazards at once), timeout.
        actions: what was done at each step, in words.
        p_right, p_jump: probability of all actions that move right, and that jump.
        value: the critic's estimate, in its own units.
        shown: steps of which the frames are kept.
        frames: at these steps.
    """

    level: int
    outcome: str
    actions: tuple[str, ...]
    p_right: Annotated[np.ndarray, Array("float32", "steps")]
    p_jump: Annotated[np.ndarray, Array("float32", "steps")]
    value: Annotated[np.ndarray, Array("float32", "steps")]
    shown: tuple[int, ...]
    frames: Annotated[np.ndarray, Array("uint8", "frames 64 64 3")]

    @model_validator(mode="after")
    def _agree(self) -> Episode:
        lengths = {len(self.actions), len(self.p_right), len(self.p_jump), len(self.value)}
        if len(lengths) != 1 or not self.actions:
            raise ValueError(f"actions, p_right, p_jump and value must have the same steps, at least 1, got {lengths}")
        if len(self.shown) != len(self.frames) or not all(0 <= step < len(self.actions) for step in self.shown):
            raise ValueError(f"{len(self.frames)} frames need a step each, of {len(self.actions)}; got {self.shown}")
        return self


class HeldOutLevels(Record):
    """Which levels the policy is judged on.

    Attributes:
        levels: how many.
        repeated: seeds passed over since they make one of these levels again.
        seen: share of the seeds gone through whose level training saw, which were left out; None where what training
            saw is not recorded.
        alike: there, the share of these levels that occur among as many other seeds as `others`: training may have seen
            them. None where it is recorded.
        others: that many.
        exact: whether the record is of what training drew; False where it holds that, and a little more.
    """

    levels: int
    repeated: int
    seen: EstimateField | None
    alike: EstimateField | None
    others: int
    exact: bool


class Result(Record):
    """The model's architecture and training, and one illustrative episode.

    Attributes:
        parameters: of the whole network.
        training: None where the card records none.
        source: of a foreign file; None for a checkpoint of this project.
        difficulty: of the levels, "easy" or "hard".
        looks: options of the game that are switched on.
        layers: in running order.
        episode: on the first held-out level, whatever comes of it.
        held_out: the levels of the behaviour sections; None in results that are older than this.
    """

    parameters: int
    training: Training | None
    source: Source | None
    difficulty: str
    looks: tuple[str, ...]
    layers: Annotated[tuple[Layer, ...], Field(min_length=1)]
    episode: Episode
    held_out: HeldOutLevels | None = None
