"""Which channels discriminate a scene with an object from the same scene without it, at the object's place."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64

from mechinterp.features import correlations
from mechinterp.features.errors import FeatureError
from mechinterp.policies.errors import UnknownHook
from mechinterp.policies.hooks import Names, select
from mechinterp.stats import Estimate, Null

STATISTIC = (
    "the correlation, over paired scenes with and without the coin, between the coin's presence and the channel's "
    "activation at the coin's place (the mean of the 3 x 3 cells whose receptive fields centre nearest to it; hidden "
    "units are read whole)"
)
"""What a contrast is, in words that fit after "measured as"."""
UNIT = "correlation"

Channel = tuple[str, int]
"""A hook point and the number of one of its channels."""


class ContrastNull(Protocol):
    """What contrasts are compared with; `untrained.NullContrasts` is one."""

    def scores(self, found: Contrasts, hook: str) -> Float[np.ndarray, " channels"]:
        """How far each contrast of a layer lies outside the null, with its sign."""
        ...

    def nulls(self, found: Contrasts, *, hooks: Names = None, level: float = 0.95) -> list[Null]:
        """The null of each channel's contrast, in the order of `Contrasts.channels`."""
        ...


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Contrasts:
    """Activations at the object's place, with the object and without it.

    Attributes:
        variable: what the pairs differ in.
        present, absent: for each hook point, a row a pair and a column a channel.
        dead: channels that had one value everywhere in every frame.
        sides: cells along a side of the map; 0 for a row of numbers (hidden units, logits).
        levels: level of each pair: the cluster that counts as one sample.
        out_of_view: pairs that were left out because the object is not in view.
    """

    variable: str
    present: Mapping[str, Float32[np.ndarray, "pairs channels"]]
    absent: Mapping[str, Float32[np.ndarray, "pairs channels"]]
    dead: Mapping[str, Bool[np.ndarray, " channels"]]
    sides: Mapping[str, int]
    levels: Int64[np.ndarray, " pairs"]
    out_of_view: int = 0

    @property
    def hooks(self) -> tuple[str, ...]:
        """The hook points, in the network's order."""
        return tuple(self.present)

    def __len__(self) -> int:
        return len(self.levels)

    def __repr__(self) -> str:
        levels = len(np.unique(self.levels))
        return f"Contrasts({self.variable!r}: {len(self)} pairs of {levels} levels, {len(self.hooks)} hook points)"

    def channels(self, hooks: Names = None) -> list[Channel]:
        """Every channel of the hook points, in order."""
        return [(hook, c) for hook in select(hooks, self.hooks) for c in range(self.present[hook].shape[1])]

    def effect(self, hook: str) -> Float[np.ndarray, " channels"]:
        """The contrast of each channel: the correlation of its activation with the object's presence, -1 to 1.

        0 for a channel that never changes at the object's place (see `silent`).
        """
        self._known(hook)
        return correlations.correlations(self.present[hook], self.absent[hook])

    def strength(self, hook: str) -> float:
        """The root mean square of the contrasts of a layer's channels, silent ones left out; 0 if all are silent."""
        heard = self.effect(hook)[~self.silent(hook)]
        return float(np.sqrt(np.mean(heard**2))) if len(heard) else 0.0

    def difference(self, hook: str) -> Float[np.ndarray, "pairs channels"]:
        """Present minus absent, pair by pair, in the units of the activation."""
        self._known(hook)
        return self.present[hook].astype(np.float64) - self.absent[hook]

    def silent(self, hook: str) -> Bool[np.ndarray, " channels"]:
        """Channels with one value at the object's place in all scenes: dead ones, and ones that fire elsewhere only."""
        self._known(hook)
        both = np.concatenate([self.present[hook], self.absent[hook]])
        return both.min(0) == both.max(0)

    def top(self, count: int, *, hooks: Names = None, null: ContrastNull | None = None) -> list[Channel]:
        """The channels with the strongest contrasts, of either sign, strongest first.

        Args:
            hooks: which hook points they may come from.
            null: rank by how far a contrast lies outside those of the same layer in untrained networks; without it by
                the contrast itself, which favours early layers, where every network sees the coin's pixels.
        """
        channels = self.channels(hooks)
        scores = self.effect if null is None else lambda hook: null.scores(self, hook)
        strength = np.concatenate([np.abs(scores(hook)) for hook in select(hooks, self.hooks)])
        return [channels[i] for i in np.argsort(-strength, kind="stable")[:count].tolist()]

    def estimates(
        self,
        *,
        rng: np.random.Generator,
        hooks: Names = None,
        null: ContrastNull | None = None,
        level: float = 0.95,
    ) -> list[Estimate]:
        """The contrast of every channel, in the order of `channels`, with an interval over levels.

        Args:
            null: what becomes the null of each, such as the same layer in untrained networks (`NullContrasts.nulls`).

        Raises:
            TooFewSamples: fewer than two levels.
        """
        names = select(hooks, self.hooks)
        found = correlations.estimates(
            np.concatenate([self.present[hook] for hook in names], axis=1),
            np.concatenate([self.absent[hook] for hook in names], axis=1),
            names=[f"contrast of {hook} channel {channel}" for hook, channel in self.channels(hooks)],
            clusters=self.levels,
            rng=rng,
            level=level,
        )
        if null is None:
            return found
        return [e.against(n) for e, n in zip(found, null.nulls(self, hooks=names, level=level), strict=True)]

    def select(self, rows: Int64[np.ndarray, " rows"] | Bool[np.ndarray, " pairs"]) -> Contrasts:
        """The same for some of the pairs, by position or mask."""
        chosen = np.arange(len(self))[np.asarray(rows)]
        return dataclasses.replace(
            self,
            present={hook: values[chosen] for hook, values in self.present.items()},
            absent={hook: values[chosen] for hook, values in self.absent.items()},
            levels=self.levels[chosen],
        )

    def narrowed(self, hook: str, channel: int) -> Contrasts:
        """One channel alone, as if the layer had no other."""
        self._known(hook)
        column = slice(channel, channel + 1)
        return dataclasses.replace(
            self,
            present={hook: self.present[hook][:, column]},
            absent={hook: self.absent[hook][:, column]},
            dead={hook: self.dead[hook][column]},
            sides={hook: self.sides[hook]},
        )

    def split(self, fraction: float, rng: np.random.Generator) -> tuple[Contrasts, Contrasts]:
        """Two parts that share no level: about ``fraction`` of the levels, to choose on, and the rest, to report on.

        Raises:
            FeatureError: if either part would be empty.
        """
        levels = rng.permutation(np.unique(self.levels))
        count = round(fraction * len(levels))
        if not 0 < count < len(levels):
            raise FeatureError(f"split: {fraction} of {len(levels)} levels leaves one part empty")
        chosen = np.isin(self.levels, levels[:count])
        return self.select(chosen), self.select(~chosen)

    def _known(self, hook: str) -> None:
        if hook not in self.present:
            raise UnknownHook([hook], self.hooks)
