"""The same pairs with another object where the coin is: what is special to the coin, and what any object would do."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from mechinterp.coinrun import edits
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.scenes.build import render
from mechinterp.coinrun.scenes.objects import OBJECTS, Object
from mechinterp.coinrun.scenes.objects.object import Frame, Put
from mechinterp.coinrun.scenes.pairs import SIDES, MinimalPairs, SceneError, Side
from mechinterp.coinrun.scenes.strata import coin_cell
from mechinterp.coinrun.scenes.variables.variable import without_coins
from mechinterp.coinrun.state import GameState

_SEED = 11


@dataclass(frozen=True, eq=False)
class ObjectPairs:
    """Pairs with an object instead of the coin.

    Attributes:
        name: of the object.
        pairs: the same scenes, levels and strata with the object in the coin's cells. Where it was painted on the
            frames, their states are those with the coin: no game shows it.
        rows: which of the original pairs they are made from; some may have no room for the object, or hide it.
    """

    name: str
    pairs: MinimalPairs
    rows: Int64[np.ndarray, " kept"]

    def __len__(self) -> int:
        return len(self.rows)


def with_object(pairs: MinimalPairs, name: str) -> ObjectPairs:
    """Put another object wherever a coin (or decoy) is, in the frames of both sides.

    Raises:
        UnknownName: no such object.
        SceneError: no coin in these pairs, or no room for the object in any of them.
    """
    one, bare = OBJECTS[name], pairs.without_coins
    clean, corrupted = (_side(pairs, side, bare[side], one) for side in SIDES)
    if not (clean.coins or corrupted.coins):
        raise SceneError(f"{pairs.variable}: there is no coin in these pairs that {name!r} could stand in for")
    rows = np.flatnonzero(clean.drawn & corrupted.drawn)
    if not len(rows):
        raise SceneError(f"{pairs.variable}: none of {pairs.counted} has room for {name!r} where the coin is")
    changed = dataclasses.replace(
        pairs,
        variable=f"{pairs.variable}, {name} instead of coin",
        clean_label=pairs.clean_label.replace("coin", name),
        corrupted_label=pairs.corrupted_label.replace("coin", name),
        clean=clean.frames,
        corrupted=corrupted.frames,
        clean_states=clean.states,
        corrupted_states=corrupted.states,
    )
    return ObjectPairs(name, changed.select(rows), rows)


@dataclass(frozen=True, eq=False)
class Bare:
    """One side without its coins.

    Attributes:
        cells: where the coin is, by row, of the rows that have one.
        states, frames: of the same rows, the game and the frame without it.
    """

    cells: dict[int, Cell]
    states: dict[int, GameState]
    frames: dict[int, Frame]


def bare_sides(pairs: MinimalPairs) -> dict[Side, Bare]:
    """Both sides without coins."""
    found: dict[Side, Bare] = {}
    for side in SIDES:
        states = pairs.states(side)
        cells = {row: cell for row, state in enumerate(states) if (cell := coin_cell(state)) is not None}
        bare = {row: without_coins(states[row]) for row in cells}
        frames = dict(zip(cells, render(list(bare.values())), strict=True)) if cells else {}
        found[side] = Bare(cells, bare, frames)
    return found


@dataclass(frozen=True, eq=False)
class _Side:
    """One side with the object: frames, states, in which rows it is seen (or nothing had to change), coins before."""

    frames: UInt8[np.ndarray, "pairs 64 64 3"]
    states: tuple[bytes, ...]
    drawn: Bool[np.ndarray, " pairs"]
    coins: int


def _side(pairs: MinimalPairs, side: Side, bare: Bare, one: Object) -> _Side:
    frames, drawn = getattr(pairs, side).copy(), np.ones(len(pairs), bool)
    data = list(getattr(pairs, f"{side}_states"))
    if one.put is None:
        for row in bare.cells:
            rng = np.random.default_rng([_SEED, int(pairs.levels[row])])  # the same on both sides
            frames[row] = _painted(one, frames[row], bare.frames[row], rng)
    else:
        made = _put(one.put, bare.states, bare.cells)
        frames[list(made)] = render(list(made.values())) if made else frames[[]]
        drawn[[row for row in bare.cells if row not in made]] = False
        for row, state in made.items():
            data[row] = state.without_rngs().to_bytes()
    for row, without in bare.frames.items():  # hidden by something in front, or out of view
        drawn[row] &= bool((frames[row] != without).any())
    return _Side(frames, tuple(data), drawn, len(bare.cells))


def _painted(one: Object, coin: Frame, bare: Frame, rng: np.random.Generator) -> Frame:
    changed = (coin != bare).any(-1)
    assert one.paint is not None
    return one.paint(coin, bare, changed, rng) if changed.any() else coin


def _put(put: Put, bare: Mapping[int, GameState], cells: Mapping[int, Cell]) -> dict[int, GameState]:
    """The states that have room for the object, with it, by row."""
    made = {}
    for row, state in bare.items():
        try:
            made[row] = put(state, cells[row])
        except edits.EditError:
            continue
    return made
