"""How every channel responds to a coin, and to other objects in the coin's place."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from mechinterp.features.contrasting import Contrasts
from mechinterp.features.counterfactuals import COIN, ELSEWHERE, OBJECTS, RIVALS, CounterfactualScenes
from mechinterp.features.errors import FeatureError
from mechinterp.features.paired import dead_channels
from mechinterp.features.random_networks import RandomNetworks
from mechinterp.features.reading import BATCH, read_places, read_several
from mechinterp.features.receptive import grids
from mechinterp.features.untrained import NullContrasts
from mechinterp.policies.controls import untrained
from mechinterp.policies.graph import Policy
from mechinterp.policies.hooks import Names
from mechinterp.policies.stages import stage_outputs


@dataclass(frozen=True, eq=False, repr=False)
class ChannelResponses:
    """The contrasts of each object, read at its place.

    Attributes:
        contrasts: by object; the coin is among them.
        rows: for each object, which pair of the scenes each of its rows comes from.
    """

    contrasts: Mapping[str, Contrasts]
    rows: Mapping[str, Int64[np.ndarray, " rows"]]

    def __repr__(self) -> str:
        return f"ChannelResponses({', '.join(f'{name} {len(own)}' for name, own in self.contrasts.items())} scenes)"

    @property
    def coin(self) -> Contrasts:
        """Those of the coin itself."""
        return self.contrasts[COIN]

    @property
    def rivals(self) -> tuple[str, ...]:
        """The other objects at the coin's place that there are scenes of."""
        return tuple(name for name in RIVALS if name in self.contrasts)

    def of_levels(self, levels: Int64[np.ndarray, " levels"]) -> ChannelResponses:
        """The same on some of the levels. Objects without a scene there are left out."""
        kept = {name: np.flatnonzero(np.isin(c.levels, levels)) for name, c in self.contrasts.items()}
        return ChannelResponses(
            {name: self.contrasts[name].select(rows) for name, rows in kept.items() if len(rows)},
            {name: self.rows[name][rows] for name, rows in kept.items() if len(rows)},
        )

    @property
    def others(self) -> tuple[str, ...]:
        """Every object of the game other than the coin: rivals, and objects with a place of their own."""
        return tuple(name for name in (*RIVALS, *ELSEWHERE) if name in self.contrasts)

    def selective(self, hook: str) -> Float[np.ndarray, " channels"]:
        """How well each channel discriminates a coin from whatever else may be there, -1 to 1.

        The smallest of its correlations with "coin" (1) against each of: nothing there, a crate, a saw, an enemy, lava,
        the end wall (0), both sides counting alike; negative for a channel that is lower for the coin than for all of
        them, and 0 for one that is neither above nor below all. A large object that happens to excite a channel more
        than the small coin does makes it 0: such a channel is no coin channel.

        Raises:
            FeatureError: there are no scenes of any rival.
        """
        if not self.rivals:
            raise FeatureError("no scene had room for a crate, a saw or an enemy in the coin's place; give more levels")
        coin = self.coin.present[hook]
        against = [self.coin.absent[hook], *(self.contrasts[name].present[hook] for name in self.others)]
        table = np.array([balanced_correlation(coin, other) for other in against])
        return np.where(table.min(0) > 0, table.min(0), np.where(table.max(0) < 0, table.max(0), 0.0))


def balanced_correlation(
    first: Float[np.ndarray, "first channels"], second: Float[np.ndarray, "second channels"]
) -> Float[np.ndarray, " channels"]:
    """The correlation of each column with being in `first` rather than `second`, as if both had as many rows.

    0 for columns that hardly vary at all.
    """
    a, b = first.astype(np.float64), second.astype(np.float64)
    half = (a.mean(0) - b.mean(0)) / 2
    total = (a.var(0) + b.var(0)) / 2 + half**2
    size = np.maximum(np.abs(a).max(0), np.abs(b).max(0))
    return np.divide(half, np.sqrt(total), out=np.zeros_like(half), where=np.sqrt(total) > 1e-6 * size + 1e-12)


def channel_responses(
    policy: Policy,
    scenes: CounterfactualScenes,
    *,
    hooks: Names = None,
    objects: Container[str] = OBJECTS,
    batch: int = BATCH,
) -> ChannelResponses:
    """Run the network on every scene once and read it at the place of the object.

    Args:
        hooks: by default those of `stage_outputs`.
        objects: which of the objects, apart from the coin.

    Raises:
        UnknownHook: see `Policy.select`.
    """
    names = policy.select(stage_outputs(policy) if hooks is None else hooks)
    sides = {name: grid.side if (grid := where) else 0 for name, where in grids(policy).items() if name in names}
    shown = {name: thing for name, thing in scenes.objects.items() if name == COIN or name in objects}
    # a thing of another size has its middle elsewhere: the empty scene is read there too
    points = {COIN: shown[COIN].places}
    for name, thing in shown.items():
        if not np.array_equal(thing.places, shown[COIN].places[thing.rows]):
            points[name] = shown[COIN].places.copy()
            points[name][thing.rows] = thing.places
    readings = read_several(policy, scenes.coin.corrupted, list(points.values()), names, batch=batch)
    bare = dict(zip(points, readings, strict=True))
    contrasts = {}
    for name, thing in shown.items():
        present = read_places(policy, thing.frames, thing.places, names, batch=batch)
        empty = bare.get(name, bare[COIN])
        contrasts[name] = Contrasts(
            variable=name,
            present={hook: present[hook].values for hook in names},
            absent={hook: empty[hook].values[thing.rows] for hook in names},
            dead={hook: dead_channels(present[hook], empty[hook]) for hook in names},
            sides=sides,
            levels=scenes.levels[thing.rows],
        )
    return ChannelResponses(contrasts, {name: thing.rows for name, thing in shown.items()})


class NullResponses(RandomNetworks[ChannelResponses]):
    """The answers of networks with random weights to the same scenes."""

    def of_levels(self, levels: Int64[np.ndarray, " levels"]) -> NullResponses:
        """The same on some of the levels."""
        return NullResponses(tuple(network.of_levels(levels) for network in self.networks))

    def contrasts(self, thing: str = COIN) -> NullContrasts:
        """The null of one object's contrasts."""
        return NullContrasts(tuple(network.contrasts[thing] for network in self.networks))


def null_responses(
    policy: Policy,
    scenes: CounterfactualScenes,
    *,
    seeds: Iterable[int] = range(20),
    hooks: Names = None,
    batch: int = BATCH,
) -> NullResponses:
    """`channel_responses` networks of the policy's architecture with random weights, one for each seed.

    Twenty are the fewest with which the corrected p can come down to 0.05. The `LOOKS` are left out: no test asks them.
    """
    names = policy.select(stage_outputs(policy) if hooks is None else hooks)
    objects = (*RIVALS, *ELSEWHERE)
    return NullResponses(
        tuple(
            channel_responses(untrained(policy, seed=seed), scenes, hooks=names, objects=objects, batch=batch)
            for seed in seeds
        )
    )
