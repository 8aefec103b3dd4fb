"""Play the same levels with the coin in other places."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from mechinterp import stats
from mechinterp.coinrun.placements import placement
from mechinterp.experiments.coin_placement.result import Outcomes, Placement, Result
from mechinterp.experiments.inputs.behaviour import BLIND, POLICY, stock_episodes
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.policies.evaluation import Trial, outcomes, play
from mechinterp.policies.rollouts import Episodes, Outcome
from mechinterp.stats import Estimate

STOCK = "stock"
RULES = (STOCK, "random_percent=100", "absent", "decoy", "left_of_agent")


@dataclass(frozen=True)
class Size:
    """When an episode is given up.

    Attributes:
        max_steps: of an episode.
    """

    max_steps: int


SIZES = Sizes(full=Size(max_steps=400), quick=Size(max_steps=250))


def measure(context: Context[Size]) -> Result:
    """The policy and the blind rule on the same held-out levels, under each placement."""
    return Result(
        max_steps=context.size.max_steps, placements={rule: _placement(context, rule) for rule in RULES}
    )  # fmt: skip


def _placement(context: Context[Size], rule: str) -> Placement:
    context.tick(f"playing with the coin {placement(rule).label}")
    own, blind = (_episodes(context, rule, name) for name in (POLICY, BLIND))
    label, over_end, over_blind = placement(rule).label, None, None
    if placement(rule).has_coin:
        took, passed = own.outcome == Outcome.COIN, own.outcome == Outcome.STOPPED
        over_end = _paired(context, own, took, passed, f"coin {label}: coin minus end")
        other = blind.outcome == Outcome.COIN
        over_blind = _paired(context, own, took, other, f"coin {label}: coin, policy minus {BLIND}")
    return Placement(
        label=label,
        policy=_shares(own, rule, POLICY),
        blind=_shares(blind, rule, BLIND),
        over_end=over_end,
        over_blind=over_blind,
    )


def _paired(context: Context[Size], episodes: Episodes, one: np.ndarray, other: np.ndarray, name: str) -> Estimate:
    """How much more often the one is so than the other, on the same levels (McNemar's exact test)."""
    return stats.paired_difference(
        one, other, name=name, unit="levels", rng=context.rng, clusters=episodes.level_seed, bounds=(0, 1)
    )


def _episodes(context: Context[Size], rule: str, name: str) -> Episodes:
    stock, plan = context.inputs(stock_episodes), context.plan
    if rule == STOCK:
        return given_up(stock[name], context.size.max_steps)
    actor, _ = stock.actors[name]
    trial = Trial.under(rule, max_steps=context.size.max_steps)
    levels = context.subject.held_out("behaviour", plan.levels).seeds
    return play(actor, levels, trial, options=context.subject.options, seed=plan.seed)


def _shares(episodes: Episodes, rule: str, actor: str) -> Outcomes:
    found = outcomes(episodes, prefix=actor, can_take_coin=placement(rule).has_coin)
    named = {estimate.name.rpartition("/")[2]: estimate for estimate in found}
    shares = {name: e.renamed(f"{actor}, coin {placement(rule).label}: {name}") for name, e in named.items()}
    return Outcomes(coin=shares.get("coin"), end=shares["end"], died=shares["died"], timeout=shares["timeout"])


def given_up(episodes: Episodes, max_steps: int) -> Episodes:
    """The same episodes with the outcome that they would have had, had they been given up after so many steps.

    An episode depends on nothing but its level and seed, so that playing it again under a shorter clock gives its
    beginning.
    """
    late = episodes.length > max_steps
    return dataclasses.replace(episodes, outcome=np.where(late, Outcome.TIMEOUT, episodes.outcome))
