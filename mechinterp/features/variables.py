"""Which channels answer to which variable of the world, for all variables and hook points in one table.

The coin, a crate, a saw, an enemy, lava and the end wall are each there or not, read at their place; the coin lies
right or left of the agent, read at the agent's place; and a real coin stands against its picture, which no network can
tell from it. Two nulls: channels of the same layer in untrained networks, and labels exchanged within the pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int64

from mechinterp.coinrun.scenes import MinimalPairs, SceneError, minimal_pairs
from mechinterp.coinrun.state import GameState
from mechinterp.features.contrasting import Contrasts
from mechinterp.features.errors import FeatureError
from mechinterp.features.paired import contrasts
from mechinterp.features.searching import Searched
from mechinterp.features.untrained import NullContrasts, null_contrasts
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import FRAME
from mechinterp.stats import Estimate, Null, benjamini_hochberg

SIDE, PICTURE = "coin side", "real coin or picture"
ALPHA = 0.05
_PAIRS = 60  # of the coin's side, and of real coins and pictures
_EXCHANGES = 20_000
_PART = 2_000


@dataclass(frozen=True, kw_only=True)
class VariableContrast:
    """How one hook point answers to one variable, on held-out levels.

    Attributes:
        variable, hook: which.
        channels: of the layer, without those that are silent in these scenes.
        beyond_labels: channels that tell the two scenes apart at all: a false discovery rate, over all hook points, of
            at most 5 % against labels exchanged within the pairs of a level.
        beyond_both: those of them that also tell them apart better, by absolute contrast, than channels of the layer do
            in untrained networks (`NullContrasts.q_values`, the same rate).
        strength: root mean square of the layer's contrasts; `usual` is what untrained networks have.
        strongest: the contrast of the channel that stood out farthest on the levels that choose; its null the layer's
            channels in untrained networks, p corrected for all channels of all hook points.
        channel: which that is.
    """

    variable: str
    hook: str
    channels: int
    beyond_labels: int
    beyond_both: int
    strength: float
    usual: Null
    strongest: Estimate
    channel: int


@dataclass(frozen=True, eq=False, kw_only=True)
class VariableTable:
    """The contrasts of all variables.

    Attributes:
        contrasts: a row for each variable and hook point.
        left_out: variables that could not be asked, and why.
        picture_difference: the largest difference that any value at any hook point has between a real coin and its
            picture, over `pictures` pairs; it must be 0.
        pictures: how many pairs that was asked of.
    """

    contrasts: tuple[VariableContrast, ...]
    left_out: dict[str, str]
    picture_difference: float
    pictures: int


def variable_table(policy: Policy, found: Searched, *, rng: np.random.Generator, hooks: Sequence[str]) -> VariableTable:
    """Ask every variable at every hook point.

    Args:
        found: the scenes, and what was read in them.
        hooks: those of the search.
    """
    asked = {
        name: (found.answers.contrasts[name], found.null.contrasts(name))
        for name in (*found.answers.rivals, "coin", *found.answers.others)
        if name in found.answers.contrasts
    }
    left_out: dict[str, str] = {}
    side = _pairs(found.states, SIDE, left_out)
    if side is not None:
        options = {"hooks": list(hooks), "places": np.full((len(side), 2), FRAME / 2)}
        asked[SIDE] = (contrasts(policy, side, **options), null_contrasts(policy, side, seeds=found.seeds, **options))
    pictures = _pairs(found.states, PICTURE, left_out)
    rows: list[VariableContrast] = []
    for variable in sorted(asked, key=["coin", SIDE, *asked].index):
        own, null = asked[variable]
        first, rest = np.isin(own.levels, found.choosing), np.isin(own.levels, found.held)
        if min(len(np.unique(own.levels[part])) for part in (first, rest)) < 2:
            left_out[variable] = "room for it in fewer than 2 of the levels that choose, or of those held out"
            continue
        parts = (own.select(first), null.select(first), own.select(rest), null.select(rest))
        rows += _contrasts(variable, *parts, rng=rng)
    return VariableTable(
        contrasts=tuple(rows),
        left_out=left_out,
        picture_difference=0.0 if pictures is None else largest_difference(policy, pictures, hooks),
        pictures=0 if pictures is None else len(pictures),
    )


@torch.no_grad()
def largest_difference(policy: Policy, pairs: MinimalPairs, hooks: Sequence[str]) -> float:
    """The largest difference between the two scenes of any pair, over all values at these hook points."""
    most = 0.0
    for at in range(0, len(pairs), 32):
        both = [torch.from_numpy(frames[at : at + 32]) for frames in (pairs.clean, pairs.corrupted)]
        one, other = (policy.activations(frames, list(hooks)) for frames in both)
        most = max(most, *(float((one[hook] - other[hook]).abs().max()) for hook in hooks))
    return most


def _pairs(states: Sequence[GameState], variable: str, left_out: dict[str, str]) -> MinimalPairs | None:
    try:
        pairs = minimal_pairs(states, variable, per_level=1)
    except SceneError as error:
        left_out[variable] = str(error)
        return None
    return pairs.select(np.arange(min(len(pairs), _PAIRS)))


def _contrasts(
    variable: str,
    choose: Contrasts,
    choose_null: NullContrasts,
    report: Contrasts,
    report_null: NullContrasts,
    *,
    rng: np.random.Generator,
) -> list[VariableContrast]:
    try:
        q, nulls = report_null.q_values(report), report_null.nulls(report)
        by_channel = dict(zip(report.channels(), nulls, strict=True))
        usual = report_null.layers(report)
        best = {hook: choose.top(1, hooks=hook, null=choose_null)[0][1] for hook in report.hooks}
    except FeatureError as error:
        raise FeatureError(f"contrasts of {variable!r}: {error}") from None
    apart = dict(zip(report.channels(), benjamini_hochberg(exchanged(report, rng)), strict=True))
    found = []
    for hook in report.hooks:
        heard = ~report.silent(hook)
        one = report.narrowed(hook, best[hook]).estimates(rng=rng)[0]
        own = [(hook, channel) for channel in range(len(heard))]
        found.append(
            VariableContrast(
                variable=variable,
                hook=hook,
                channels=int(heard.sum()),
                beyond_labels=sum(apart[channel] <= ALPHA for channel in own),
                beyond_both=sum(max(q[channel], apart[channel]) <= ALPHA for channel in own),
                strength=report.strength(hook),
                usual=usual[hook],
                strongest=one.renamed(f"contrast/{variable}/{hook}").against(by_channel[hook, best[hook]]),
                channel=best[hook],
            )
        )
    return found


def exchanged(contrasts: Contrasts, rng: np.random.Generator) -> Float64[np.ndarray, " channels"]:
    """For every channel of all hook points, the p of its contrast with labels exchanged within the pairs of a level.

    Within a pair an exchange turns the sign of present - absent and leaves the spread of all numbers as it is, so that
    the correlation and the mean difference have the same p. Pairs of one level are exchanged together; p is two-sided.
    """
    levels, index = np.unique(contrasts.levels, return_inverse=True)
    own: Int64[np.ndarray, "levels pairs"] = (index[None] == np.arange(len(levels))[:, None]).astype(np.int64)
    sums = np.concatenate([own @ contrasts.difference(hook) for hook in contrasts.hooks], 1)
    seen = np.abs(sums.sum(0)) * (1 - 1e-9)  # ties count as reached, whatever the rounding
    reached = np.zeros(sums.shape[1])
    for _ in range(_EXCHANGES // _PART):
        signs = rng.choice((-1.0, 1.0), (_PART, len(levels)))
        reached += (np.abs(signs @ sums) >= seen).sum(0)
    return (1 + reached) / (1 + _EXCHANGES)
