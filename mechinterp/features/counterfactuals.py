"""Counterfactual scenes: with a coin, without it, and with other objects in its place.

A channel that rises where a coin is put may respond to anything that is put there. So the same place also gets a crate,
a saw, an enemy, a square of the coin's own colour, and the coin's shape in other colours; the ground under it becomes
lava; and the wall at the level's end comes near. All against the same scene with nothing there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64, UInt8

from mechinterp.coinrun import edits
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.scenes import OBJECTS as OBJECTS_TO_PUT
from mechinterp.coinrun.scenes import MinimalPairs, SceneError, coin_at, joined, minimal_pairs, render
from mechinterp.coinrun.scenes.objects.object import Put
from mechinterp.coinrun.state import GameState
from mechinterp.features.errors import FeatureError
from mechinterp.policies.nodes import FRAME

COIN = "coin"
RIVALS = ("crate", "saw", "enemy")
"""Other objects of the game at the coin's place, to which a coin channel must respond less than to the coin."""
LOOKS = ("coin-coloured square", "blue coin")
"""What shares only the coin's colour, or only its shape: which of the two a channel responds to."""
ELSEWHERE = ("lava", "end wall")
"""Things with a place of their own: the ground under the coin's place, and the wall at the end of the level."""
OBJECTS = (COIN, *RIVALS, *LOOKS, *ELSEWHERE)


@dataclass(frozen=True, eq=False, repr=False)
class PlacedObject:
    """One object, put into some of the scenes.

    Attributes:
        frames: with the object.
        rows: which pair of `CounterfactualScenes.coin` each frame was made from; its corrupted side is the scene
            without the object.
        places: (row, column) of the object's middle, in pixels.
    """

    frames: UInt8[np.ndarray, "scenes 64 64 3"]
    rows: Int64[np.ndarray, " scenes"]
    places: Float[np.ndarray, "scenes 2"]

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"PlacedObject({len(self)} scenes)"


@dataclass(frozen=True, eq=False, repr=False)
class CounterfactualScenes:
    """Scenes with and without a coin, and with each of `OBJECTS` instead.

    Attributes:
        coin: pairs, the coin present (clean) and absent (corrupted); several may share a level.
        toward: 1 where the coin lies right of the agent, -1 where left.
        objects: by name; the coin is among them.
        decoy_difference: the largest difference of any pixel between a real coin and its picture. 0: the network
            cannot discriminate them, so no channel can.
    """

    coin: MinimalPairs
    toward: Float[np.ndarray, " pairs"]
    objects: Mapping[str, PlacedObject]
    decoy_difference: int

    def __repr__(self) -> str:
        objects = ", ".join(f"{name} {len(own)}" for name, own in self.objects.items())
        return f"CounterfactualScenes({objects} scenes of {len(np.unique(self.levels))} levels)"

    @property
    def levels(self) -> Int64[np.ndarray, " pairs"]:
        """The level of each pair: the cluster."""
        return self.coin.levels

    def of_levels(self, levels: Int64[np.ndarray, " levels"]) -> CounterfactualScenes:
        """The pairs, and the objects in their place, on some of the levels."""
        chosen = np.flatnonzero(np.isin(self.levels, levels))
        number = {int(row): index for index, row in enumerate(chosen)}
        objects = {}
        for name, one in self.objects.items():
            kept = np.flatnonzero(np.isin(one.rows, chosen))
            if len(kept):
                rows = np.array([number[int(row)] for row in one.rows[kept]])
                objects[name] = PlacedObject(one.frames[kept], rows, one.places[kept])
        return CounterfactualScenes(self.coin.select(chosen), self.toward[chosen], objects, self.decoy_difference)


def counterfactual_scenes(
    states: Sequence[GameState], *, most: int | None = None, seed: int = 0
) -> CounterfactualScenes:
    """Put a coin to the right and to the left of the agent in each state, and then other objects in its place.

    Args:
        most: keep at most this many pairs, as evenly over the levels as can be.
        seed: of the coin's distance.

    Raises:
        FeatureError: no state has room for a coin next to the agent.
    """
    try:
        # Anywhere, also in the air: a channel that responds to coins does so wherever one is drawn.
        rules = [coin_at("right", place="anywhere"), coin_at("left", place="anywhere")]
        sides = [minimal_pairs(states, rule, seed=seed) for rule in rules]
    except SceneError as error:
        raise FeatureError(f"too few scenes to look for the coin: {error}") from error
    toward = np.repeat([1.0, -1.0], [len(part) for part in sides])
    pairs = joined(sides, variable=COIN)
    order = _even(pairs.levels, len(pairs) if most is None else most)
    pairs, toward = pairs.select(order), toward[order]
    coins = pairs.states("clean")
    bare = pairs.states("corrupted")
    spots = [state.coins[0] for state in coins]
    places = _places(pairs.clean, pairs.corrupted)
    everyone = np.arange(len(pairs))
    objects = {COIN: PlacedObject(pairs.clean, everyone, places)}
    for name in (*RIVALS, *ELSEWHERE):
        put = OBJECTS_TO_PUT[name].put
        assert put is not None
        objects |= _shown(name, put, bare, spots, pairs.corrupted)
    objects |= {name: PlacedObject(pairs.with_object(name).pairs.clean, everyone, places) for name in LOOKS}
    some = everyone[:: max(1, len(everyone) // 20)]
    pictures = render([edits.coin_to_decoy(coins[i]) for i in some])
    difference = int(np.abs(pictures.astype(int) - pairs.clean[some]).max())
    ordered = {name: objects[name] for name in OBJECTS if name in objects}
    return CounterfactualScenes(pairs, toward, ordered, difference)


def _even(levels: Int64[np.ndarray, " pairs"], most: int) -> Int64[np.ndarray, " kept"]:
    """Rows in the order of their levels: of each level its first, then its second, until there are enough."""
    order = np.argsort(levels, kind="stable")
    _, first, index = np.unique(levels[order], return_index=True, return_inverse=True)
    turn = np.arange(len(order)) - first[index]
    kept = np.sort(np.argsort(turn, kind="stable")[:most])
    return order[kept]


def _shown(
    name: str, put: Put, bare: Sequence[GameState], spots: Sequence[Cell], without: UInt8[np.ndarray, "pairs 64 64 3"]
) -> dict[str, PlacedObject]:
    """The states that have room for the object, drawn; nothing, where none has."""
    made, rows = [], []
    for row, (state, cell) in enumerate(zip(bare, spots, strict=True)):
        try:
            made.append(put(state, cell))
        except edits.EditError:
            continue
        rows.append(row)
    if not made:
        return {}
    frames = render(made)
    differs = (frames != without[rows]).any((1, 2, 3))  # hidden by something in front, or out of view
    if not differs.any():
        return {}
    kept = np.array(rows)[differs]
    return {name: PlacedObject(frames[differs], kept, _places(frames[differs], without[kept]))}


def _places(
    present: UInt8[np.ndarray, "scenes 64 64 3"], absent: UInt8[np.ndarray, "scenes 64 64 3"]
) -> Float[np.ndarray, "scenes 2"]:
    """The middle of the pixels that differ."""
    changed = (present != absent).any(-1)
    weight = changed.sum((1, 2))
    centres = np.arange(FRAME) + 0.5
    rows, columns = (changed.sum(2) @ centres) / weight, (changed.sum(1) @ centres) / weight
    return np.stack([rows, columns], 1)
