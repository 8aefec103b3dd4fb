"""The null distribution of contrasts: untrained networks.

Every convolution sees the coin's pixels, so a channel is remarkable only where it discriminates better than channels of
the same layer do in networks with random weights ("Dead Salmons", Meloux et al. 2025; Adebayo et al. 2018).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from mechinterp.features.contrasting import Channel, Contrasts
from mechinterp.features.errors import FeatureError
from mechinterp.features.layerwise import two_sided_sizes
from mechinterp.features.paired import Pairs, contrasts
from mechinterp.features.random_networks import RandomNetworks
from mechinterp.features.reading import BATCH
from mechinterp.policies.controls import untrained
from mechinterp.policies.graph import Policy
from mechinterp.policies.hooks import Names, select
from mechinterp.stats import Null, maximum_statistic, pooled_false_discovery


class NullContrasts(RandomNetworks[Contrasts]):
    """Contrasts of the same pairs in networks with random weights."""

    def select(self, rows: Int64[np.ndarray, " rows"] | Bool[np.ndarray, " pairs"]) -> NullContrasts:
        """The same for some of the pairs."""
        return NullContrasts(tuple(network.select(rows) for network in self.networks))

    def effects(self, hook: str) -> Float[np.ndarray, " draws"]:
        """The contrasts of all channels of this layer, one network after the other, without those that are silent."""
        return np.concatenate([n.effect(hook)[~n.silent(hook)] for n in self.networks])

    def scores(self, found: Contrasts, hook: str) -> Float[np.ndarray, " channels"]:
        """Each contrast in units of its layer: 1 or -1 is where the farthest 5 % of the layer's contrasts begin.

        After Fisher's transformation (atanh), from 0, over the policy's channels and those of all untrained networks
        alike, so that a policy that is itself untrained is treated as the others are. A contrast near 0 gets a score
        near 0, also in a layer whose untrained channels mostly rise. 0 for silent channels.
        """
        return self._all_scores(found, hook)[0]

    def p_values(self, found: Contrasts, *, hooks: Names = None) -> dict[Channel, float]:
        """For each channel, in how many networks (of the untrained ones and the policy) some channel comes as far.

        Corrected for all channels at once by the maximum over all channels of each untrained network, see
        `stats.maximum_statistic`. With n networks no p is below 1 / (n + 1).
        """
        names = select(hooks, found.hooks)
        p = maximum_statistic(*self._sizes(found, names))
        return dict(zip(found.channels(names), p.tolist(), strict=True))

    def q_values(self, found: Contrasts, *, hooks: Names = None) -> dict[Channel, float]:
        """False discovery rate: of the channels with q up to 0.05, no more than 5 % are expected to be chance.

        See `stats.pooled_false_discovery`: `p_values` is stricter and assumes less, this is the longer list.
        """
        names = select(hooks, found.hooks)
        q = pooled_false_discovery(*self._sizes(found, names))
        return dict(zip(found.channels(names), q.tolist(), strict=True))

    def nulls(self, found: Contrasts, *, hooks: Names = None, level: float = 0.95) -> list[Null]:
        """For each channel the central range of its layer's null, and the p of `p_values`."""
        p = self.p_values(found, hooks=hooks)
        ranges = {
            hook: Null.from_draws(0.0, self._draws(found, hook), description="range", level=level)
            for hook in select(hooks, found.hooks)
        }
        return [
            dataclasses.replace(
                ranges[hook],
                p=value,
                description=f"channels of {hook} in {len(self)} untrained networks; p: share of networks in which any "
                f"of {len(p)} channels stands out as far in its layer",
            )
            for (hook, _), value in p.items()
        ]

    def layers(self, found: Contrasts, *, hooks: Names = None) -> dict[str, Null]:
        """For each hook point, the `Contrasts.strength` that untrained networks have, and p of the policy's: as far
        above or below them, corrected for all these hook points (`layerwise.two_sided_sizes`).

        It also sees many weak contrasts, of which none stands out by itself.
        """
        names = select(hooks, found.hooks)
        table = self.strengths(found, names)
        p = two_sided_sizes(table)
        return {
            hook: dataclasses.replace(
                Null.from_draws(own[0], own[1:], description=f"{hook} of {len(self)} untrained networks"),
                p=float(value),
            )
            for hook, own, value in zip(names, table.T, p, strict=True)
        }

    def strengths(self, found: Contrasts, hooks: Names = None) -> Float64[np.ndarray, "networks hooks"]:
        """`Contrasts.strength` at each hook point: a row for the policy, and one for each untrained network."""
        names = select(hooks, found.hooks)
        return np.array([[network.strength(hook) for hook in names] for network in (found, *self.networks)])

    def _draws(self, found: Contrasts, hook: str) -> Float[np.ndarray, " draws"]:
        if any(not np.array_equal(network.levels, found.levels) for network in self.networks):
            raise FeatureError("the null was made of other pairs than the contrasts; select the same rows of both")
        draws = self.effects(hook)
        if len(draws) < 3:
            raise FeatureError(
                f"{hook}: only {len(draws)} channels of {len(self)} untrained networks respond at the object's place; "
                "give more networks"
            )
        return draws

    def _sizes(
        self, found: Contrasts, hooks: tuple[str, ...]
    ) -> tuple[Float[np.ndarray, " channels"], Float[np.ndarray, "networks channels"]]:
        """Absolute scores of all channels: the policy's, and each untrained network's."""
        everyone = np.abs(np.concatenate([np.stack(self._all_scores(found, hook)) for hook in hooks], axis=1))
        return everyone[0], everyone[1:]

    def _all_scores(self, found: Contrasts, hook: str) -> list[Float[np.ndarray, " channels"]]:
        """Scores of the policy's channels, then of each untrained network's."""
        self._draws(found, hook)
        everyone = (found, *self.networks)
        heard = [~network.silent(hook) for network in everyone]
        effects = [_fisher(network.effect(hook)) for network in everyone]
        pool = np.concatenate([own[kept] for own, kept in zip(effects, heard, strict=True)])
        edge = max(float(np.quantile(np.abs(pool), 0.95)), 1e-12)
        return [np.where(kept, own / edge, 0.0) for own, kept in zip(effects, heard, strict=True)]


def null_contrasts(
    policy: Policy,
    pairs: Pairs,
    *,
    seeds: Iterable[int] = range(20),
    hooks: Names = None,
    places: Float[np.ndarray, "pairs 2"] | None = None,
    radius: int = 1,
    batch: int = BATCH,
) -> NullContrasts:
    """`contrasts` of untrained networks of the policy's architecture, one for each seed.

    Args:
        seeds: of the weights. Twenty networks are the fewest with which `p_values` can fall below 0.05.
        hooks, places, radius, batch: as for `contrasts`, and the same as there.
    """
    options = {"hooks": hooks, "places": places, "radius": radius, "batch": batch}
    return NullContrasts(tuple(contrasts(untrained(policy, seed=seed), pairs, **options) for seed in seeds))


def _fisher(r: Float[np.ndarray, " draws"]) -> Float[np.ndarray, " draws"]:
    return np.arctanh(r.clip(-1 + 1e-9, 1 - 1e-9))
