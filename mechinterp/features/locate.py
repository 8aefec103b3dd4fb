"""Where is the coin in this network, and is it used? Everything in one function, with one seed.

`locate` plays levels, puts coins and other things into the scenes, and asks every hook point. 40 % of the levels choose
channels, directions, factors and their names; the others are reported on.
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
from mechinterp.features.answers import Answers, NullAnswers, answers_of, null_answers
from mechinterp.features.attribution import attribute
from mechinterp.features.coin_channels import find_coin_channels
from mechinterp.features.directions import coin_directions
from mechinterp.features.errors import FeatureError
from mechinterp.features.factors import LayerFactors, layer_factors
from mechinterp.features.findings import Finding, findings
from mechinterp.features.probing import FEWEST, Probe, probes
from mechinterp.features.receptive import stages
from mechinterp.features.scenery import Scenery, scenery_of
from mechinterp.features.shares import attribution_shares
from mechinterp.features.steering import Steering, right_directions
from mechinterp.features.tendency import Tendency, movement_tendency
from mechinterp.features.uses import totals
from mechinterp.features.world import Label, labels
from mechinterp.policies.actors import PolicyActor
from mechinterp.policies.evaluation import UNSEEN_LEVELS
from mechinterp.policies.graph import Policy
from mechinterp.policies.hooks import Names
from mechinterp.policies.readouts import readouts
from mechinterp.policies.visits import visited_states
from mechinterp.stats import Estimate

CHOOSE = 0.4
FIRST_LEVEL = 600_000
"""How far into the unseen levels those of `locate` lie: reports measure on others."""
LEAST = 36
"""Levels: 60 % of them must be at least the 20 that an interval of an AUROC needs, and some have no room for a coin."""

Tick = Callable[[str], None]


@dataclass(frozen=True)
class LocatePlan:
    """How much to measure.

    Attributes:
        levels: played for scenes; at least `LEAST`.
        states: kept of each.
        pairs: most scenes with a coin.
        untrained: networks that make the null; with fewer than 20 no channel can be confirmed.
        random: random parts beside each part that is taken back.
        steered: random directions that make the null of steering.
        attributed: frames whose attribution is computed.
        steps: of training the sparse autoencoder.
    """

    levels: int = 70
    states: int = 3
    pairs: int = 280
    untrained: int = 20
    random: int = 8
    steered: int = 20
    attributed: int = 40
    steps: int = 600

    def __post_init__(self) -> None:
        if self.levels < LEAST:
            raise FeatureError(f"levels: {self.levels}; at least {LEAST} are needed for the intervals, n counts levels")
        if self.untrained < 2:
            raise FeatureError(f"untrained: {self.untrained}; a null needs at least 2 networks, and 20 to reach 5 %")

    @classmethod
    def quick(cls, *, levels: int = 40) -> LocatePlan:
        """A first look: wide intervals. The null stays whole, as fewer networks could confirm nothing."""
        return cls(levels=levels, states=2, pairs=100, random=4, steered=8, attributed=12, steps=200)


@dataclass(frozen=True, eq=False, kw_only=True)
class Located:
    """Where the coin is in a network. Numbers are of held-out levels, except where an attribute says otherwise.

    Attributes:
        findings: one for each hook point, in the network's order.
        totals: what the coin itself does to each readout.
        scenes, states, frames, levels: what was looked at: scenes with and without coin, and natural states.
        choosing: the levels that chose.
        answers, null: how channels answer, on all levels; and those of untrained networks.
        probes: linear read-outs, cross-fitted over levels, for coin, end and hazards.
        unprobed: labels that could not be probed, and why.
        tendency, steering: "right" without the coin.
        factors: of one layer.
        shares: of the movement attribution to pixels: thing -> "share", "area", "excess".
    """

    findings: tuple[Finding, ...]
    totals: dict[str, Estimate]
    scenes: Scenery
    states: tuple[GameState, ...]
    frames: UInt8[np.ndarray, "states 64 64 3"]
    levels: Int64[np.ndarray, " states"]
    choosing: Int64[np.ndarray, " levels"]
    answers: Answers
    null: NullAnswers
    probes: tuple[Probe, ...]
    unprobed: dict[str, str]
    tendency: Tendency
    steering: tuple[Steering, ...]
    factors: LayerFactors
    shares: dict[str, dict[str, Estimate]]

    @property
    def represented(self) -> bool:
        """Whether any coin channel was confirmed; of untrained networks at most 5 % have one."""
        return any(finding.channels for finding in self.findings)

    @property
    def used(self) -> bool:
        """Whether an action hangs on what some layer holds of the coin beyond chance."""
        return any(finding.verdict in ("used", "spread, used") for finding in self.findings)


def locate(
    policy: Policy,
    options: GameOptions,
    plan: LocatePlan,
    rng: np.random.Generator,
    *,
    hooks: Names = None,
    tick: Tick = lambda words: None,
) -> Located:
    """Look for the coin at every hook point (by default those of `receptive.stages`).

    Args:
        options: the game that the policy plays.
        tick: told in words what is being done.

    Raises:
        UnknownHook: see `Policy.select`.
        FeatureError: too few scenes with room for a coin.
        TooFewSamples: too few levels for an interval.
    """
    names = policy.select(stages(policy) if hooks is None else hooks)
    tick("playing")
    states = _states(policy, options, plan, int(rng.integers(2**31)))
    scenes = scenery_of(states, most=plan.pairs, seed=int(rng.integers(2**31)))
    seen = rng.permutation(np.unique(scenes.levels))
    if len(seen) < LEAST * 0.75:
        raise FeatureError(f"only {len(seen)} of {plan.levels} levels have room for a coin; give more levels")
    choosing = seen[: round(CHOOSE * len(seen))]
    held = np.setdiff1d(seen, choosing)
    tick("reading every channel")
    answers = answers_of(policy, scenes, hooks=names)
    tick(f"the same in {plan.untrained} untrained networks")
    seeds = rng.integers(2**31, size=plan.untrained).tolist()
    null = null_answers(policy, scenes, seeds=seeds, hooks=names)
    tick("choosing and confirming channels")
    parts = (answers.of_levels(choosing), null.of_levels(choosing), answers.of_levels(held), null.of_levels(held))
    channels = find_coin_channels(*parts, rng=rng)
    directions = coin_directions(parts[0], parts[2], parts[1], parts[3], rng=rng)
    tick("taking back what was found")
    reported = scenes.of_levels(held)
    effects = totals(policy, reported, rng=rng)
    found = findings(policy, reported, parts[2], channels, directions, rng=rng, random=plan.random)
    frames, levels = render(states), np.array([state.level_seed for state in states])
    tick("probes")
    probed, unprobed = _probes(policy, scenes, states, frames, levels, _some(names), rng)
    tick("right as a tendency")
    first = np.isin(levels, choosing)
    tendency = movement_tendency(policy, frames, levels, rng=rng)
    pair = ((frames[first], levels[first]), (frames[~first], levels[~first]))
    steering = right_directions(policy, *pair, rng=rng, hooks=_some(names), random=plan.steered)
    tick("factors")
    factors = layer_factors(policy, states, frames, levels, choosing, scenes, steps=plan.steps, rng=rng)
    tick("attribution")
    rows = rng.permutation(len(scenes.coin))[: plan.attributed]
    pixels = attribute(policy, scenes.coin.clean[rows], tolerance=0.05, steps=32)
    with_coin = scenes.coin.states("clean")
    shares = attribution_shares(pixels, [with_coin[i] for i in rows], scenes.levels[rows], rng=rng)
    return Located(
        findings=tuple(found),
        totals=effects,
        scenes=scenes,
        states=tuple(states),
        frames=frames,
        levels=levels,
        choosing=choosing,
        answers=answers,
        null=null,
        probes=tuple(probed),
        unprobed=unprobed,
        tendency=tendency,
        steering=tuple(steering),
        factors=factors,
        shares=dict(shares),
    )


def _states(policy: Policy, options: GameOptions, plan: LocatePlan, seed: int) -> list[GameState]:
    source = LevelSource(options, seed=seed)
    try:
        first = UNSEEN_LEVELS.start + FIRST_LEVEL
        starts = source.starts(range(first, first + plan.levels))
    finally:
        source.close()
    return visited_states(PolicyActor(policy), starts, per_level=plan.states, seed=seed)


def _some(names: tuple[str, ...]) -> tuple[str, ...]:
    """The last hook point of each part of the network: `block1.*` is a part."""
    return tuple({name.partition(".")[0]: name for name in names}.values())


def _probes(
    policy: Policy,
    scenes: Scenery,
    states: list[GameState],
    frames: np.ndarray,
    levels: np.ndarray,
    hooks: tuple[str, ...],
    rng: np.random.Generator,
) -> tuple[list[Probe], dict[str, str]]:
    """The coin's labels on scenes with and without it, the others on natural states."""
    rows = np.flatnonzero(np.isin(scenes.levels, np.unique(scenes.levels)))[:: max(1, len(scenes.coin) // 120)]
    both = np.concatenate([scenes.coin.clean[rows], scenes.coin.corrupted[rows]])
    there = np.repeat([1.0, 0.0], len(rows))
    side = np.concatenate([scenes.toward[rows] > 0, np.full(len(rows), np.nan)])
    asked = [(both, np.tile(scenes.levels[rows], 2), [Label("coin in view", "class", there)])]
    asked[0][2].append(Label("coin on the right", "class", side))
    natural = labels(states, ("end wall in view", "distance to the end wall", "agent x", "hazard ahead"))
    wants = readouts(policy, frames)["movement"]
    if np.ptp(wants) > 0:
        natural.append(Label("movement log-odds", "number", wants, "nats"))
    asked.append((frames, levels, natural))
    found, left_out = [], {}
    for pictures, who, wanted in asked:
        good = []
        for label in wanted:
            why = _unfit(label)
            if why:
                left_out[label.name] = why
            else:
                good.append(label)
        if good:
            found += probes(policy, pictures, who, good, rng=rng, hooks=hooks, shuffles=10, repeats=1)
    return found, left_out


def _unfit(label: Label) -> str:
    known = label.values[~np.isnan(label.values)]
    if label.kind == "class" and min(known.sum(), (1 - known).sum()) < FEWEST:
        return f"true in {int(known.sum())} of {len(known)} scenes; {FEWEST} of each are needed"
    return "all scenes have the same value" if np.ptp(known) == 0 else ""
