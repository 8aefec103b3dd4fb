"""The search for the coin itself: levels are played, channels and directions chosen on some and confirmed on others.

It is the part of `locate` that says whether a network represents the coin, and what is held to the promise that of
networks which know nothing at most 5 % are said to have a coin channel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, UInt8

from mechinterp.coinrun.engine import GameOptions
from mechinterp.coinrun.levels import LevelSource
from mechinterp.coinrun.scenes import render
from mechinterp.coinrun.state import GameState
from mechinterp.features.coin_channels import find_coin_channels
from mechinterp.features.counterfactuals import CounterfactualScenes, counterfactual_scenes
from mechinterp.features.directions import coin_directions
from mechinterp.features.errors import FeatureError
from mechinterp.features.findings import Finding, findings
from mechinterp.features.plan import CHOOSE, LEAST, LocatePlan
from mechinterp.features.responses import ChannelResponses, NullResponses, channel_responses, null_responses
from mechinterp.features.uses import totals
from mechinterp.features.verdicts import HELD
from mechinterp.policies.actors import PolicyActor
from mechinterp.policies.graph import Policy
from mechinterp.policies.hooks import Names
from mechinterp.policies.levels import LEVELS
from mechinterp.policies.stages import stage_outputs
from mechinterp.policies.visits import visited_states
from mechinterp.stats import Estimate

Tick = Callable[[str], None]


@dataclass(frozen=True, eq=False, kw_only=True)
class Searched:
    """What the search found. Numbers are of held-out levels.

    Attributes:
        findings: one for each hook point, in the network's order.
        totals: what the coin itself does to each readout.
        scenes, states, frames, levels: what was looked at: scenes with and without coin, and natural states.
        choosing, held: the levels that chose, and those that were reported on.
        answers, null: how channels answer, on all levels; and those of untrained networks.
        seeds: of the untrained networks.
    """

    findings: tuple[Finding, ...]
    totals: dict[str, Estimate]
    scenes: CounterfactualScenes
    states: tuple[GameState, ...]
    frames: UInt8[np.ndarray, "states 64 64 3"]
    levels: Int64[np.ndarray, " states"]
    choosing: Int64[np.ndarray, " levels"]
    held: Int64[np.ndarray, " levels"]
    answers: ChannelResponses
    null: NullResponses
    seeds: tuple[int, ...]

    @property
    def represented(self) -> bool:
        """Whether any coin channel was confirmed; of untrained networks at most 5 % have one."""
        return any(finding.channels for finding in self.findings)

    @property
    def used(self) -> bool:
        """Whether an action hangs on what some layer holds of the coin beyond chance."""
        return any(finding.verdict in HELD for finding in self.findings)


def search(
    policy: Policy,
    options: GameOptions,
    plan: LocatePlan,
    rng: np.random.Generator,
    *,
    hooks: Names = None,
    tick: Tick = lambda words: None,
) -> Searched:
    """Look for the coin at every hook point (by default those of `stage_outputs`).

    Args:
        options: the game that the policy plays.
        tick: told in words what is being done.

    Raises:
        UnknownHook: see `Policy.select`.
        FeatureError: too few scenes with room for a coin.
        TooFewSamples: too few levels for an interval.
    """
    names = policy.select(stage_outputs(policy) if hooks is None else hooks)
    tick("playing")
    states = _states(policy, options, plan, int(rng.integers(2**31)))
    tick("drawing scenes")
    scenes = counterfactual_scenes(states, most=plan.pairs, seed=int(rng.integers(2**31)))
    seen = rng.permutation(np.unique(scenes.levels))
    if len(seen) < LEAST * 0.75:
        raise FeatureError(f"only {len(seen)} of {plan.levels} levels have room for a coin; give more levels")
    choosing = seen[: round(CHOOSE * len(seen))]
    held = np.setdiff1d(seen, choosing)
    tick("reading every channel")
    answers = channel_responses(policy, scenes, hooks=names)
    tick(f"the same in {plan.untrained} untrained networks")
    seeds = tuple(rng.integers(2**31, size=plan.untrained).tolist())
    null = null_responses(policy, scenes, seeds=seeds, hooks=names)
    tick("choosing and confirming channels")
    parts = (answers.of_levels(choosing), null.of_levels(choosing), answers.of_levels(held), null.of_levels(held))
    channels = find_coin_channels(*parts, rng=rng)
    directions = coin_directions(parts[0], parts[2], parts[1], parts[3], rng=rng)
    tick("taking back what was found")
    reported = scenes.of_levels(held)
    effects = totals(policy, reported, rng=rng)
    found = findings(policy, reported, parts[2], channels, directions, rng=rng, random=plan.random)
    return Searched(
        findings=tuple(found),
        totals=effects,
        scenes=scenes,
        states=tuple(states),
        frames=render(states),
        levels=np.array([state.level_seed for state in states]),
        choosing=choosing,
        held=held,
        answers=answers,
        null=null,
        seeds=seeds,
    )


def _states(policy: Policy, options: GameOptions, plan: LocatePlan, seed: int) -> list[GameState]:
    source = LevelSource(options, seed=seed)
    try:
        starts = source.starts(LEVELS["localization"].first(plan.levels))
    finally:
        source.close()
    return visited_states(PolicyActor(policy), starts, per_level=plan.states, seed=seed)
