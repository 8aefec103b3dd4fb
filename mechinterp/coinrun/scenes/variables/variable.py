"""What a variable is, and what the rules of several share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.scenes.natural import FAR, NEAR, NoRoom
from mechinterp.coinrun.scenes.pairs import SceneError
from mechinterp.coinrun.state import GameState
from mechinterp.errors import nearest

Edit = Callable[[GameState, np.random.Generator], "tuple[GameState, GameState] | None"]
"""Makes both sides of a pair; None, or `NoRoom` with a reason, where the state has no room for it."""

Place = Literal["ground", "anywhere"]
"""Where coins are put: on ground that the agent can walk to (`scenes.natural`), or also in the air."""


@dataclass(frozen=True)
class Variable:
    """One thing to change.

    Attributes:
        name: in words.
        clean, corrupted: what it is on each side.
        role: "coin" (an effect of the coin itself), "ceiling" (a change of the world known to matter, for scale) or
            "control" (one that should not matter).
        edit: makes both sides from a state, or None where the state has no room for it.
        order: variables are listed from the smallest.
    """

    name: str
    clean: str
    corrupted: str
    role: str
    edit: Edit
    order: int = 100


def without_coins(state: GameState) -> GameState:
    """The state with neither coin nor decoy."""
    bare = edits.remove_decoys(state)
    return edits.remove_coin(bare) if bare.coins else bare


def try_coin(state: GameState, cell: Cell) -> GameState | None:
    """The state with a coin in this cell, or None where none can be or it would hang inside the scenery."""
    try:
        return edits.add_coin(state, cell)
    except edits.EditError:
        return None


def presence(offsets: tuple[Cell, ...]) -> Edit:
    """A coin at one of these offsets from the agent's feet, in the air too, against none."""

    def edit(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState]:
        bare = without_coins(state)
        x, y = geometry.agent_cell(bare)
        for at in rng.permutation(len(offsets)).tolist():
            dx, dy = offsets[at]
            with_coin = try_coin(bare, (x + dx, y + dy))
            if with_coin is not None:
                return with_coin, bare
        raise NoRoom("no free cell for the coin")

    return edit


def distances(k: int | None) -> tuple[int, ...]:
    """`k` cells, or each that is allowed. Raises SceneError for another distance."""
    if k is None:
        return tuple(range(NEAR, FAR + 1))
    if k not in range(NEAR, FAR + 1):
        raise SceneError(f"a coin {k!r} cells away: allowed are {NEAR} to {FAR}, or None for any of them by chance")
    return (int(k),)


def check_place(place: str) -> None:
    """Refuse what is no `Place`, with a SceneError."""
    if place not in ("ground", "anywhere"):
        raise SceneError(f"place: {place!r}{nearest(str(place), ('ground', 'anywhere'))}")
