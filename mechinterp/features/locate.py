"""Where is the coin in this network, and is it used? Everything in one function, with one seed.

`locate` plays levels, puts coins and other things into the scenes, and asks every hook point. 40 % of the levels choose
channels, directions, factors and their names; the others are reported on.

Time: 2 min 42 s for a canonical IMPALA at the default size on two cores, one of which was in use: attributions 57 s,
reading every scene in 20 untrained networks 38 s, probes 24 s, taking back what was found 9 s, all else 34 s. A light
IMPALA takes 25 s on one core.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mechinterp.coinrun.engine import GameOptions
from mechinterp.features.attribution import attribute
from mechinterp.features.errors import FeatureError
from mechinterp.features.factors import LayerFactors, layer_factors
from mechinterp.features.hidden import Carried, carried
from mechinterp.features.plan import LocatePlan
from mechinterp.features.probing import Probe
from mechinterp.features.readable import read_out
from mechinterp.features.searching import Searched, Tick, search
from mechinterp.features.shares import attribution_shares, untrained_shares
from mechinterp.features.steering import Steering, right_directions
from mechinterp.features.tendency import Tendency, movement_tendency
from mechinterp.features.variables import VariableTable, variable_table
from mechinterp.features.whereabouts import Whereabouts, whereabouts
from mechinterp.policies.graph import Policy
from mechinterp.policies.hooks import Names
from mechinterp.policies.readouts import READOUTS
from mechinterp.stats import Estimate


@dataclass(frozen=True, eq=False, kw_only=True)
class Located:
    """Where the coin is in a network. Numbers are of held-out levels, except where an attribute says otherwise.

    `shares` and, but for single units, `tendency` choose nothing: they are of all levels.

    Attributes:
        search: the findings, a verdict for each hook point, and the scenes that they are about.
        variables: contrasts of every variable at every hook point.
        places: where in their maps the coin channels show the coin.
        probes: linear read-outs, cross-fitted over levels.
        tendency, steering: "right" without the coin.
        factors: of one layer.
        shares: of each readout's attribution to pixels: readout -> thing -> "share" (movement: against untrained
            networks), "area", "excess".
        carried: each readout's attribution to hidden channels.
        left_out: what could not be asked, and why.
    """

    search: Searched
    variables: VariableTable
    places: tuple[Whereabouts, ...]
    probes: tuple[Probe, ...]
    tendency: Tendency
    steering: tuple[Steering, ...]
    factors: LayerFactors
    shares: dict[str, dict[str, dict[str, Estimate]]]
    carried: tuple[Carried, ...]
    left_out: dict[str, str]


def locate(
    policy: Policy,
    options: GameOptions,
    plan: LocatePlan,
    rng: np.random.Generator,
    *,
    hooks: Names = None,
    tick: Tick = lambda words: None,
) -> Located:
    """Look for the coin, and for right, at every hook point (by default those of `stage_outputs`).

    Args:
        options: the game that the policy plays.
        tick: told in words what is being done.

    Raises:
        UnknownHook: see `Policy.select`.
        FeatureError: too few scenes with room for a coin.
        TooFewSamples: too few levels for an interval.
    """
    found = search(policy, options, plan, rng, hooks=hooks, tick=tick)
    names = tuple(finding.hook for finding in found.findings)
    channels = [(c.hook, c.channel) for finding in found.findings for c in finding.channels]
    tick("contrasts of every variable")
    variables = variable_table(policy, found, rng=rng, hooks=names)
    places = whereabouts(policy, found.scenes.of_levels(found.held), channels, rng=rng)
    tick("probes")
    probed, unprobed = read_out(policy, found, hooks=names, rng=rng)
    tick("right as a tendency")
    first = np.isin(found.levels, found.choosing)
    tendency = movement_tendency(policy, found.frames, found.levels, rng=rng, choosing=found.choosing)
    pair = ((found.frames[first], found.levels[first]), (found.frames[~first], found.levels[~first]))
    unsteered: dict[str, str] = {}
    steering: list[Steering] = []
    try:
        steering = right_directions(policy, *pair, rng=rng, hooks=last_of_each_part(names), random=plan.steered)
    except FeatureError as error:  # a policy that always wants the same has no direction to be found
        unsteered["the direction of right"] = str(error)
    tick("factors")
    factors = layer_factors(
        policy, found.states, found.frames, found.levels, found.choosing, found.scenes, steps=plan.steps, rng=rng
    )
    tick("attribution to pixels")
    scenes = found.scenes
    rows = rng.permutation(len(scenes.coin))[: plan.attributed]
    frames, levels = scenes.coin.clean[rows], scenes.levels[rows]
    with_coin = scenes.coin.states("clean")
    states = [with_coin[row] for row in rows]
    shares, failed = {}, {}
    for readout in READOUTS:
        try:
            pixels = attribute(policy, frames, target=readout, tolerance=0.05, steps=32)
        except FeatureError as error:  # sums that do not add up are said to be so, and not drawn
            failed[f"attribution of {readout} to pixels"] = str(error)
            continue
        null = None
        if readout == "movement":
            null = untrained_shares(policy, frames, states, target=readout, seeds=found.seeds)
        shares[readout] = dict(attribution_shares(pixels, states, levels, rng=rng, null=null))
    tick("attribution to channels")
    by_hook = {finding.hook: [c.channel for c in finding.channels] for finding in found.findings}
    hidden, apart = carried(policy, frames, levels, found.choosing, rng=rng, hooks=names, coin_channels=by_hook)
    return Located(
        search=found,
        variables=variables,
        places=tuple(places),
        probes=tuple(probed),
        tendency=tendency,
        steering=tuple(steering),
        factors=factors,
        shares=shares,
        carried=tuple(hidden),
        left_out={**variables.left_out, **unprobed, **unsteered, **failed, **apart},
    )


def last_of_each_part(names: tuple[str, ...]) -> tuple[str, ...]:
    """The last hook point of each part of the network: `block1.*` is a part."""
    return tuple({name.partition(".")[0]: name for name in names}.values())
