"""What an object is: something that the game can hold, or a look that is painted over the coin's pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, UInt8

from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.state import GameState

Kind = Literal["colour", "pixels", "thing", "place", "elsewhere"]
Put = Callable[[GameState, Cell], GameState]
Frame = UInt8[np.ndarray, "64 64 3"]
Paint = Callable[[Frame, Frame, Bool[np.ndarray, "64 64"], np.random.Generator], Frame]
"""(frame with the coin, the same without it, where they differ, generator) -> frame with something else there."""


@dataclass(frozen=True)
class Object:
    """Something to put where a coin is: exactly one of `put` and `paint` says how.

    Attributes:
        name: in words, as labels have it: "grey coin".
        kind: "colour" (the coin's shape and shading in another colour), "pixels" (its colours in another shape),
            "thing" (another object of the game in its cell), "place" (a coin in another cell) or "elsewhere" (what has
            a place of its own near the coin's, or in the level).
        put: from a state without a coin, and the coin's cell; it raises `EditError` where there is no room.
        paint: changes a frame that shows a coin, for what no game can show.
        order: objects are listed from the smallest.
    """

    name: str
    kind: Kind
    put: Put | None = None
    paint: Paint | None = None
    order: int = 100

    def __post_init__(self) -> None:
        if (self.put is None) == (self.paint is None):
            raise ValueError(f"object {self.name!r}: give either put or paint")
