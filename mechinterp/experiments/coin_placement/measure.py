"""Play the same levels with the coin in other places."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from mechinterp.coinrun.placements import placement
from mechinterp.experiments.coin_placement.result import Outcomes, Placement, Result
from mechinterp.experiments.inputs.behaviour import BLIND, POLICY, stock_episodes
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.policies.evaluation import Trial, outcomes, play
from mechinterp.policies.levels import LEVELS
from mechinterp.policies.rollouts import Episodes, Outcome

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
    shares = {name: _shares(_episodes(context, rule, name), rule, name) for name in (POLICY, BLIND)}
    return Placement(label=placement(rule).label, policy=shares[POLICY], blind=shares[BLIND])


def _episodes(context: Context[Size], rule: str, name: str) -> Episodes:
    stock, plan = context.inputs(stock_episodes), context.plan
    if rule == STOCK:
        return given_up(stock[name], context.size.max_steps)
    actor, _ = stock.actors[name]
    trial = Trial.under(rule, max_steps=context.size.max_steps)
    return play(actor, LEVELS["behaviour"].first(plan.levels), trial, options=context.subject.options, seed=plan.seed)


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
