"""A few pairs of frames with what some channels make of them: records for results, and how they are made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import model_validator

from mechinterp.coinrun import camera
from mechinterp.coinrun.scenes import MinimalPairs
from mechinterp.experiments.fields import Array, Record
from mechinterp.policies.graph import Policy


class ChannelMaps(Record):
    """One channel's activation in each example.

    Attributes:
        hook, channel: which one.
        values: by example, side (clean, corrupted), row and column.
    """

    hook: str
    channel: int
    values: Annotated[np.ndarray, Array("float32", "examples 2 side side")]


class Examples(Record):
    """Minimal pairs of different levels, drawn and not counted.

    Attributes:
        frames: by example and side (clean, corrupted).
        levels: seed of each example's level.
        boxes: the coin's place in each: left, top, right and bottom in pixels.
        maps: of each channel.
    """

    frames: Annotated[np.ndarray, Array("uint8", "examples 2 64 64 3")]
    levels: tuple[int, ...]
    boxes: tuple[tuple[float, float, float, float], ...]
    maps: tuple[ChannelMaps, ...]

    @model_validator(mode="after")
    def _as_many(self) -> Examples:
        counts = {len(self.frames), len(self.levels), len(self.boxes), *(len(one.values) for one in self.maps)}
        if len(counts) != 1 or 0 in counts:
            raise ValueError(f"frames, levels, boxes and maps must be of as many examples, at least 1, got {counts}")
        return self


def examples(policy: Policy, pairs: MinimalPairs, channels: Sequence[tuple[str, int]]) -> Examples:
    """All of these pairs, with the maps of these channels (hook point, channel); the coin is in the clean frames."""
    hooks = list(dict.fromkeys(hook for hook, _ in channels))
    sides = [policy.activations(torch.from_numpy(frames), hooks) for frames in (pairs.clean, pairs.corrupted)]
    boxes = [camera.boxes(state)["coin"][0] for state in pairs.states("clean")]
    return Examples(
        frames=np.stack([pairs.clean, pairs.corrupted], 1),
        levels=tuple(int(level) for level in pairs.levels),
        boxes=tuple((box.left, box.top, box.right, box.bottom) for box in boxes),
        maps=tuple(
            ChannelMaps(hook=hook, channel=channel, values=np.stack([s[hook][:, channel].numpy() for s in sides], 1))
            for hook, channel in channels
        ),
    )


def one_a_level(pairs: MinimalPairs, count: int) -> MinimalPairs:
    """At most `count` pairs of different levels, evenly spread over them."""
    _, first = np.unique(pairs.levels, return_index=True)
    return pairs.select(first[np.linspace(0, len(first) - 1, min(count, len(first))).round().astype(int)])
