"""What the localization slices share: states, counterfactual scenes, which levels choose, and channel responses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from mechinterp.coinrun.scenes import render
from mechinterp.coinrun.state import GameState
from mechinterp.experiments.errors import ExperimentError
from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.experiments.registry import page
from mechinterp.experiments.slice import Sizes
from mechinterp.features.counterfactuals import CounterfactualScenes, counterfactual_scenes
from mechinterp.features.responses import ChannelResponses, NullResponses
from mechinterp.features.responses import channel_responses as responses_of
from mechinterp.features.responses import null_responses as null_responses_of
from mechinterp.policies.stages import stage_outputs

CHOOSE = 0.4
"""The share of levels that choose; results are reported on the others."""
_WITH_ROOM = 0.75  # the share of the fewest levels that must have room for a coin


@dataclass(frozen=True)
class Size:
    """How much all localization slices look at.

    Attributes:
        pairs: scenes with a coin, at most.
        untrained: networks that make the null distributions; with fewer than 20 no channel can be confirmed.
    """

    pairs: int
    untrained: int = 20


SIZES = Sizes(full=Size(pairs=280), quick=Size(pairs=100))


@dataclass(frozen=True, eq=False, kw_only=True)
class LocalizationData:
    """States that the policy visits, and scenes made from them.

    Attributes:
        states, frames, levels: visited states, what the policy sees in them, and the level of each.
        scenes: pairs with and without a coin, and other objects in the coin's place.
        choosing, held: the levels that choose channels, directions and names, and those that results are reported on.
        seeds: of the untrained networks.
    """

    states: tuple[GameState, ...]
    frames: UInt8[np.ndarray, "states 64 64 3"]
    levels: Int64[np.ndarray, " states"]
    scenes: CounterfactualScenes
    choosing: Int64[np.ndarray, " levels"]
    held: Int64[np.ndarray, " levels"]
    seeds: tuple[int, ...]

    @property
    def chooses(self) -> Bool[np.ndarray, " states"]:
        """Which of the states are of the levels that choose."""
        return np.isin(self.levels, self.choosing)

    @property
    def held_scenes(self) -> CounterfactualScenes:
        """The scenes of the levels that results are reported on."""
        return self.scenes.of_levels(self.held)


def localization_hooks(inputs: Inputs) -> tuple[str, ...]:
    """The hook points that are looked at, in the network's order: the plan's, or those of `stage_outputs`.

    Raises:
        UnknownHook: see `Policy.select`.
    """
    policy = inputs.subject.policy
    return policy.select(stage_outputs(policy) if inputs.plan.hooks is None else inputs.plan.hooks)


def localization_data(inputs: Inputs) -> LocalizationData:
    """Play, make the scenes, and divide the levels. All random draws of the shared inputs are made here, in this order.

    Raises:
        ExperimentError: too few levels, or too few of them with room for a coin.
        FeatureError: no scene has room for a coin.
    """
    subject, plan, size, fewest = inputs.subject, inputs.plan, SIZES.of(inputs.plan), page("localization").fewest
    if plan.levels < fewest:
        raise ExperimentError(f"levels: {plan.levels}; at least {fewest} are needed, since n counts levels")
    rng = inputs.rng("localization")
    seed = int(rng.integers(2**31))
    inputs.tick("playing")
    states = subject.states(levels=plan.levels, per_level=plan.states, seed=seed, purpose="localization", source="own")
    inputs.tick("making counterfactual scenes")
    scenes = counterfactual_scenes(states, most=size.pairs, seed=int(rng.integers(2**31)))
    seen = rng.permutation(np.unique(scenes.levels))
    if len(seen) < fewest * _WITH_ROOM:
        raise ExperimentError(f"only {len(seen)} of {plan.levels} levels have room for a coin; give more levels")
    choosing = seen[: round(CHOOSE * len(seen))]
    return LocalizationData(
        states=states,
        frames=render(states),
        levels=np.array([state.level_seed for state in states]),
        scenes=scenes,
        choosing=choosing,
        held=np.setdiff1d(seen, choosing),
        seeds=tuple(rng.integers(2**31, size=size.untrained).tolist()),
    )


def channel_responses(inputs: Inputs) -> ChannelResponses:
    """The policy's responses to every scene, on all levels."""
    data, hooks = inputs(localization_data), inputs(localization_hooks)
    inputs.tick("reading every channel")
    return responses_of(inputs.subject.policy, data.scenes, hooks=hooks)


def untrained_responses(inputs: Inputs) -> NullResponses:
    """The same of untrained networks of the policy's architecture."""
    data, hooks = inputs(localization_data), inputs(localization_hooks)
    inputs.tick(f"reading {len(data.seeds)} untrained networks")
    return null_responses_of(inputs.subject.policy, data.scenes, seeds=data.seeds, hooks=hooks)
