"""Which channels respond to which variable of the game, for all variables and hook points in one table.

The coin, a crate, a saw, an enemy, lava and the end wall are each present or absent, and read at their position; the
coin is right or left of the agent, and read at the agent's position; and a real coin is compared with its picture,
which no network can tell from it. Two nulls: channels of the same layer in untrained networks, and labels permuted
within the pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float64, Int64

from mechinterp.coinrun import edits
from mechinterp.coinrun.scenes import MinimalPairs, SceneError, Variable, coin_side, minimal_pairs
from mechinterp.coinrun.state import GameState
from mechinterp.features.contrasting import Contrasts
from mechinterp.features.errors import FeatureError
from mechinterp.features.layerwise import two_sided_sizes
from mechinterp.features.paired import contrasts
from mechinterp.features.responses import ChannelResponses, NullResponses
from mechinterp.features.untrained import NullContrasts, null_contrasts
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import FRAME
from mechinterp.stats import Estimate, Null, benjamini_hochberg

COIN, SIDE, PICTURE = "coin", "coin side", "real coin or picture"
ALPHA = 0.05
# Anywhere, also in the air: these scenes locate the coin in the network, and do not ask what it does there.
_SIDE = coin_side(place="anywhere")
_PAIRS = 60  # of the coin's side, and of real coins and pictures
_PERMUTATIONS = 20_000
_PART = 2_000


@dataclass(frozen=True, kw_only=True)
class VariableContrast:
    """How one hook point responds to one variable, on held-out levels.

    Attributes:
        variable, hook: which.
        active: channels of the layer that vary in these scenes.
        discriminating: channels whose activation differs between the two scenes: a false discovery rate, over all hook
            points, of at most 5 % against labels permuted within the pairs of a level.
        above_untrained: those of them whose absolute contrast also exceeds that of channels of the layer in untrained
            networks (`NullContrasts.q_values`, the same rate).
        strength: root mean square of the layer's contrasts.
        untrained_strength: the same in untrained networks, as its null; p has two sides, more and less, and is
            corrected for all hook points and all variables.
        channel: the channel that stood out most on the levels that choose.
        strongest: its contrast; the null has the layer's channels in untrained networks, p is corrected for all
            channels of all hook points.
    """

    variable: str
    hook: str
    active: int
    discriminating: int
    above_untrained: int
    strength: float
    untrained_strength: Null
    channel: int
    strongest: Estimate

    def __repr__(self) -> str:
        counts = f"{self.above_untrained} of {self.active} channels above untrained"
        return f"VariableContrast({self.variable} at {self.hook}: {counts}, {self.discriminating} discriminate)"


@dataclass(frozen=True, eq=False, kw_only=True)
class VariableContrasts:
    """The contrasts of all variables.

    Attributes:
        contrasts: one for each variable and hook point.
        left_out: variables that could not be tested, and why.
        picture_difference: the largest difference of any activation between a real coin and its picture, over
            `pictures` pairs; it must be 0.
        pictures: how many pairs that was measured on.
    """

    contrasts: tuple[VariableContrast, ...]
    left_out: dict[str, str]
    picture_difference: float
    pictures: int

    def __repr__(self) -> str:
        variables = ", ".join(dict.fromkeys(one.variable for one in self.contrasts))
        return f"VariableContrasts({len(self.contrasts)} of {variables})"


def variable_contrasts(
    policy: Policy,
    states: Sequence[GameState],
    responses: ChannelResponses,
    null: NullResponses,
    *,
    seeds: Sequence[int],
    choosing: Int64[np.ndarray, " levels"],
    held: Int64[np.ndarray, " other"],
    rng: np.random.Generator,
) -> VariableContrasts:
    """Test every variable at every hook point of the responses.

    Args:
        states: natural ones, for the pairs that differ in the coin's side.
        responses, null: the policy's to each object, and those of untrained networks.
        seeds: of the untrained networks.
        choosing, held: levels that choose the strongest channels, and those that are reported on.
    """
    hooks = responses.coin.hooks
    tested = {
        name: (responses.contrasts[name], null.contrasts(name))
        for name in (*responses.rivals, COIN, *responses.others)
        if name in responses.contrasts
    }
    left_out: dict[str, str] = {}
    side = _pairs(states, SIDE, _SIDE, left_out)
    if side is not None:
        options = {"hooks": list(hooks), "places": np.full((len(side), 2), FRAME / 2)}
        tested[SIDE] = (contrasts(policy, side, **options), null_contrasts(policy, side, seeds=seeds, **options))
    pictures = _pairs(
        states, PICTURE, Variable(PICTURE, "a real coin", "its picture", "control", _real_and_picture), left_out
    )
    rows: list[VariableContrast] = []
    strengths: list[Float64[np.ndarray, "networks hooks"]] = []
    for variable in sorted(tested, key=[COIN, SIDE, *tested].index):
        own, untrained = tested[variable]
        first, rest = np.isin(own.levels, choosing), np.isin(own.levels, held)
        if min(len(np.unique(own.levels[part])) for part in (first, rest)) < 2:
            left_out[variable] = "room for it in fewer than 2 of the levels that choose, or of those held out"
            continue
        parts = (own.select(first), untrained.select(first), own.select(rest), untrained.select(rest))
        rows += _contrasts(variable, *parts, rng=rng)
        strengths.append(parts[3].strengths(parts[2]))
    return VariableContrasts(
        contrasts=_corrected(rows, strengths),
        left_out=left_out,
        picture_difference=0.0 if pictures is None else largest_difference(policy, pictures, hooks),
        pictures=0 if pictures is None else len(pictures),
    )


@torch.no_grad()
def largest_difference(policy: Policy, pairs: MinimalPairs, hooks: Sequence[str]) -> float:
    """The largest absolute difference between the two scenes of any pair, over all activations at these hook points."""
    most = 0.0
    for at in range(0, len(pairs), 32):
        both = [torch.from_numpy(frames[at : at + 32]) for frames in (pairs.clean, pairs.corrupted)]
        one, other = (policy.activations(frames, list(hooks)) for frames in both)
        most = max(most, *(float((one[hook] - other[hook]).abs().max()) for hook in hooks))
    return most


def _real_and_picture(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState]:
    """A coin next to the agent against its picture in the same place: the same pixels, so a check of the code."""
    real, _ = _SIDE.edit(state, rng) or (state, state)
    return real, edits.coin_to_decoy(real)


def _pairs(states: Sequence[GameState], name: str, variable: Variable, left_out: dict[str, str]) -> MinimalPairs | None:
    try:
        pairs = minimal_pairs(states, variable, per_level=1)
    except SceneError as error:
        left_out[name] = str(error)
        return None
    return pairs.select(np.arange(min(len(pairs), _PAIRS)))


def _corrected(
    rows: Sequence[VariableContrast], strengths: Sequence[Float64[np.ndarray, "networks hooks"]]
) -> tuple[VariableContrast, ...]:
    """With p of the strengths corrected for all variables together: every null has the same networks, in one order."""
    if not rows:
        return ()
    p = two_sided_sizes(np.concatenate(strengths, axis=1)).tolist()
    return tuple(
        replace(one, untrained_strength=replace(one.untrained_strength, p=value))
        for one, value in zip(rows, p, strict=True)
    )


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
        strengths = report_null.layers(report)
        best = {hook: choose.top(1, hooks=hook, null=choose_null)[0][1] for hook in report.hooks}
    except FeatureError as error:
        raise FeatureError(f"contrasts of {variable!r}: {error}") from None
    adjusted = benjamini_hochberg(permutation_p_values(report, rng)).tolist()
    permuted = dict(zip(report.channels(), adjusted, strict=True))
    found = []
    for hook in report.hooks:
        active = ~report.silent(hook)
        channel = best[hook]
        (strongest,) = report.narrowed(hook, channel).estimates(rng=rng)
        own = [(hook, number) for number in range(len(active))]
        found.append(
            VariableContrast(
                variable=variable,
                hook=hook,
                active=int(active.sum()),
                discriminating=sum(permuted[one] <= ALPHA for one in own),
                above_untrained=sum(max(q[one], permuted[one]) <= ALPHA for one in own),
                strength=report.strength(hook),
                untrained_strength=strengths[hook],
                channel=channel,
                strongest=strongest.renamed(f"contrast of {variable} at {hook}, channel {channel}").against(
                    by_channel[hook, channel]
                ),
            )
        )
    return found


def permutation_p_values(contrasts: Contrasts, rng: np.random.Generator) -> Float64[np.ndarray, " channels"]:
    """For every channel of all hook points, the p of its contrast with labels permuted within the pairs of a level.

    Within a pair a permutation turns the sign of present - absent and leaves the spread of all numbers as it is, so
    that the correlation and the mean difference have the same p. Pairs of one level are permuted together; p is
    two-sided.
    """
    levels, index = np.unique(contrasts.levels, return_inverse=True)
    own: Int64[np.ndarray, "levels pairs"] = (index[None] == np.arange(len(levels))[:, None]).astype(np.int64)
    sums = np.concatenate([own @ contrasts.difference(hook) for hook in contrasts.hooks], 1)
    seen = np.abs(sums.sum(0)) * (1 - 1e-9)  # ties count as reached, whatever the rounding
    reached = np.zeros(sums.shape[1])
    for _ in range(_PERMUTATIONS // _PART):
        signs = rng.choice((-1.0, 1.0), (_PART, len(levels)))
        reached += (np.abs(signs @ sums) >= seen).sum(0)
    return (1 + reached) / (1 + _PERMUTATIONS)
