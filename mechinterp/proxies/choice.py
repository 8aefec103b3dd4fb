"""Choice weights: which values explain what a policy chooses, of all that its actions would really bring about.

The game is forked for every action; what each action gains of each proxy are the features of a conditional logit on the
policy's own probabilities (`logit`). A weight says how many nats a proxy adds to an action that brings one SD more of
it. Two controls: the same fit with the object taken out of the frame (the phantom), and what is lost of held-out
nats when the proxy is left out.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Float64, Int64, UInt8
from torch import Tensor

from mechinterp.errors import nearest
from mechinterp.policies.graph import Policy
from mechinterp.policies.outputs import policy_outputs
from mechinterp.policies.subject import PolicyLike, as_policy
from mechinterp.proxies.choice_scenes import ChoiceScenes
from mechinterp.proxies.futures import ProxyError
from mechinterp.proxies.logit import cross_entropy, entropy, fit
from mechinterp.stats import Estimate

RESAMPLES = 300
FEWEST_LEVELS = 40
"""Levels that a context must have to be fitted by itself."""
_FOLDS = 5
_GAME_ACTIONS = 9


@dataclass(frozen=True)
class ChoiceWeight:
    """What one proxy adds.

    Attributes:
        weight: nats for one SD more of it.
        own: weight minus the phantom's; None where the proxy has no phantom.
        unique: share of the explainable nats on held-out levels that only this proxy explains.
        per_unit: nats for one unit more of it (a cell), at the middle horizon.
        contexts: `own` (or the weight) in the decisions of each context, where there are enough levels.
    """

    weight: Estimate
    own: Estimate | None
    unique: float
    per_unit: float
    contexts: Mapping[str, Estimate]

    @property
    def specific(self) -> Estimate:
        """The part that is the object's where that can be said, else the weight."""
        return self.weight if self.own is None else self.own


@dataclass(frozen=True, eq=False, repr=False)
class ChoiceWeights(Mapping[str, ChoiceWeight]):
    """The choice weights of a policy, by proxy.

    Attributes:
        explained: share of the explainable nats (from a uniform choice to the policy itself) on held-out levels.
        entropy: of the policy's choices, in nats.
        levels: how many levels.
    """

    weights: Mapping[str, ChoiceWeight]
    explained: float
    entropy: float
    levels: int

    def __getitem__(self, name: str) -> ChoiceWeight:
        if name not in self.weights:
            raise ProxyError(f"no proxy called {name!r} was fitted{nearest(str(name), self.weights)}")
        return self.weights[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.weights)

    def __len__(self) -> int:
        return len(self.weights)

    def __repr__(self) -> str:
        found = ", ".join(f"{name} {one.specific.value:+.2f}" for name, one in self.items())
        return f"ChoiceWeights({found}; {self.explained:.0%} explained, n={self.levels} levels)"

    def to_frame(self) -> pd.DataFrame:
        """A row a proxy: weight, the part that is the object's own, and the share that only it explains."""
        rows = []
        for name, one in self.items():
            own = ("", "") if one.own is None else (one.own.value, f"{one.own.low:.2f} to {one.own.high:.2f}")
            rows.append((name, one.weight.value, f"{one.weight.low:.2f} to {one.weight.high:.2f}", *own, one.unique))
        columns = ["proxy", "weight", "95 % CI", "without phantom", "95 % CI of it", "only it explains"]
        return pd.DataFrame(rows, columns=columns)

    def _repr_html_(self) -> str:
        table = self.to_frame().to_html(index=False, float_format="{:.2f}".format)
        words = f"Choice weights, nats per SD: {self.explained:.0%} of the explainable nats, n = {self.levels} levels"
        return f"<p>{html.escape(words)}</p>{table}"


def action_probabilities(
    policy: PolicyLike, frames: UInt8[np.ndarray, "frames 64 64 3"]
) -> Float64[np.ndarray, "frames 9"]:
    """How likely a policy takes each of the game's nine actions."""
    network = as_policy(policy)
    return game_probabilities(policy_outputs(network, frames).logits, network.actions)


def game_probabilities(
    logits: Float[Tensor, "frames actions"], actions: Sequence[int]
) -> Float64[np.ndarray, "frames 9"]:
    """Probabilities of the game's nine actions; Procgen's 9 to 14 do what 4 does and count there."""
    probabilities = torch.softmax(logits.double(), -1).cpu().numpy()
    found = np.zeros((len(probabilities), _GAME_ACTIONS))
    for column, action in enumerate(actions):
        found[:, action if action < _GAME_ACTIONS else 4] += probabilities[:, column]
    return found


def choice_weights(
    policy: PolicyLike, scenes: ChoiceScenes, *, rng: np.random.Generator | None = None, resamples: int = RESAMPLES
) -> ChoiceWeights:
    """Fit the choice model to a policy, on its frames and on every phantom's.

    Args:
        rng: of the bootstrap over levels; by default ``np.random.default_rng(0)``.
        resamples: of the levels.

    Raises:
        ProxyError: a policy that lacks some of the game's movements.
    """
    network = as_policy(policy)
    _require_movements(network)
    rng = np.random.default_rng(0) if rng is None else rng
    levels, cluster = np.unique(scenes.levels, return_inverse=True)
    rows = rng.multinomial(len(levels), np.full(len(levels), 1 / len(levels)), size=resamples)[:, cluster]
    real = action_probabilities(network, scenes.frames)
    bare = {name: action_probabilities(network, frames) for name, frames in scenes.phantoms.items()}
    whole = _Fits.of(scenes, real, bare, rows)
    parts = {}
    for context, where in scenes.contexts.items():
        if len(np.unique(scenes.levels[where])) >= FEWEST_LEVELS:
            parts[context] = _Fits.of(scenes, real, bare, rows, where)
    explained, unique = held_out(scenes.features, real, cluster, scenes.names)
    found = {}
    for column, name in enumerate(scenes.proxies):
        words = f"choice weight of {name}"
        weight = whole.estimate(column, words)
        found[name] = ChoiceWeight(
            weight=weight,
            own=whole.own(column, name, f"{words} minus its phantom's") if name in whole.bare else None,
            unique=unique[name],
            per_unit=weight.value / scenes.scale[name] if scenes.scale[name] else 0.0,
            contexts={
                context: part.own(column, name, f"{words}, {context}")
                if name in part.bare
                else part.estimate(column, f"{words}, {context}")
                for context, part in parts.items()
            },
        )
    return ChoiceWeights(found, explained, float(entropy(real).mean()), len(levels))


def held_out(
    features: Float64[np.ndarray, "decisions actions features"],
    probabilities: Float64[np.ndarray, "decisions actions"],
    cluster: Int64[np.ndarray, " decisions"],
    names: tuple[str, ...],
) -> tuple[float, dict[str, float]]:
    """Share of the explainable nats on levels that the weights were not fitted to: by all features, and what each
    feature adds to the others.

    The explainable nats lie between a uniform choice and the policy's own entropy.
    """
    columns = {name: [i for i in range(len(names)) if i != left_out] for left_out, name in enumerate(names)}
    columns = {"": list(range(len(names))), **columns}
    loss = dict.fromkeys(columns, 0.0)
    for fold in range(_FOLDS):
        test = cluster % _FOLDS == fold
        for name, kept in columns.items():
            weights = fit(features[~test][..., kept], probabilities[~test])
            loss[name] += float(cross_entropy(features[test][..., kept], probabilities[test], weights).sum())
    room = len(cluster) * np.log(features.shape[1]) - entropy(probabilities).sum()
    shares = {name: 1 - (total - entropy(probabilities).sum()) / room for name, total in loss.items()}
    return shares[""], {name: shares[""] - shares[name] for name in names}


@dataclass(frozen=True)
class _Fits:
    """Weights on the frames and on each phantom's, and their resamples."""

    value: Float64[np.ndarray, " features"]
    draws: Float64[np.ndarray, "draws features"]
    bare: Mapping[str, tuple[np.ndarray, np.ndarray]]
    levels: int

    @classmethod
    def of(
        cls,
        scenes: ChoiceScenes,
        real: Float64[np.ndarray, "decisions actions"],
        bare: Mapping[str, Float64[np.ndarray, "decisions actions"]],
        rows: Int64[np.ndarray, "draws decisions"],
        where: Bool[np.ndarray, " decisions"] | None = None,
    ) -> _Fits:
        chosen = np.ones(len(scenes), bool) if where is None else where
        x, counted = scenes.features[chosen], rows[:, chosen]
        counted = counted[counted.any(1)]

        def both(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            value = fit(x, p[chosen])
            return value, fit(x, p[chosen], counted, start=value)

        value, draws = both(real)
        return cls(value, draws, {name: both(p) for name, p in bare.items()}, len(np.unique(scenes.levels[chosen])))

    def estimate(self, column: int, name: str) -> Estimate:
        """A feature's weight."""
        return self._estimate(float(self.value[column]), self.draws[:, column], name)

    def own(self, column: int, proxy: str, name: str) -> Estimate:
        """A feature's weight, less that on the proxy's phantom frames."""
        value, draws = self.bare[proxy]
        own = float(self.value[column] - value[column])
        return self._estimate(own, self.draws[:, column] - draws[:, column], name)

    def _estimate(self, value: float, draws: Float64[np.ndarray, " draws"], name: str) -> Estimate:
        low, high = np.quantile(draws, [0.025, 0.975])
        return Estimate(
            name=name,
            value=value,
            low=min(float(low), value),
            high=max(float(high), value),
            n=self.levels,
            unit="levels",
            method=f"percentile bootstrap over levels, {len(draws)} resamples",
        )


def _require_movements(policy: Policy) -> None:
    missing = [
        side for side, actions in (("left", range(3)), ("right", range(6, 9))) if not {*actions} & {*policy.actions}
    ]
    if missing:
        raise ProxyError(
            f"choices: the policy has no action that moves {' or '.join(missing)}; its actions are {policy.actions}"
        )
