"""Measure choice weights, and what random networks of the same sensitivity earn."""

from __future__ import annotations

from dataclasses import dataclass

from mechinterp.experiments.choice_weights.result import ProxyWeight, Result
from mechinterp.experiments.inputs.choices import scenes_of_choice
from mechinterp.experiments.plan import generator
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.proxies.choice import choice_weights
from mechinterp.proxies.random_choices import random_choices


@dataclass(frozen=True)
class Size:
    """How certain the weights are.

    Attributes:
        resamples: of the levels.
        networks: random networks; with fewer than 20 none has a p of 0.05.
    """

    resamples: int
    networks: int


SIZES = Sizes(full=Size(resamples=300, networks=100), quick=Size(resamples=100, networks=40))


def measure(context: Context[Size]) -> Result:
    """The weights, their phantoms', and those of random networks."""
    scenes, policy = context.inputs(scenes_of_choice), context.subject.policy
    context.tick("choice weights")
    own = choice_weights(policy, scenes, rng=context.rng, resamples=context.size.resamples)
    context.tick(f"{context.size.networks} random networks")
    seed = int(generator(context.plan.seed, "random networks of choices").integers(2**31))
    random = random_choices(policy, scenes, networks=context.size.networks, seed=seed)
    ranks = random.ranks({name: one.specific.value for name, one in own.items()})
    found = {}
    for name, one in own.items():
        found[name] = ProxyWeight(
            words=scenes.proxies[name].words,
            unit=scenes.proxies[name].unit,
            weight=one.weight,
            own=one.own,
            unique=one.unique,
            per_unit=one.per_unit,
            random_low=ranks[name].low,
            random_high=ranks[name].high,
            p=ranks[name].p,
            contexts=dict(one.contexts),
        )
    return Result(
        decisions=len(scenes),
        levels=own.levels,
        explained=own.explained,
        entropy=own.entropy,
        networks=context.size.networks,
        proxies=found,
    )
