"""Score every story on the policy's choices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mechinterp import stats
from mechinterp.experiments.inputs.choices import scenes_of_choice
from mechinterp.experiments.plan import generator
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.experiments.stories.result import Kind, Result, Story
from mechinterp.proxies.choice import action_probabilities
from mechinterp.proxies.futures import followed, futures_of
from mechinterp.proxies.logit import entropy
from mechinterp.proxies.planning import proxy_values, return_values
from mechinterp.proxies.seen import things_seen
from mechinterp.proxies.stories import Score, best_softmax_of, random_mixtures, reflexes, score, softmax_of

RETURN, MIXTURE, RULES = "maximises the return", "wants a mixture of all proxies", "reacts by rule"
_LEAVES = 8
_THEN = 8


@dataclass(frozen=True)
class Size:
    """How many decisions are planned for: each costs 81 games of a dozen steps.

    Attributes:
        decisions: at most.
        mixtures: random mixtures of the proxies.
    """

    decisions: int
    mixtures: int


SIZES = Sizes(full=Size(decisions=300, mixtures=100), quick=Size(decisions=80, mixtures=40))


def measure(context: Context[Size]) -> Result:
    """All stories, on decisions evenly spread over those of the choice weights."""
    scenes = context.inputs(scenes_of_choice)
    at = np.linspace(0, len(scenes) - 1, min(context.size.decisions, len(scenes))).round().astype(int)
    decisions = [scenes.futures.decisions[i] for i in at]
    levels = scenes.levels[at]
    context.tick("planning in the real game")
    ahead = futures_of(decisions, plans=followed(then=_THEN), horizons=(4, 8, 12))
    wanted, wanted_return = proxy_values(ahead, scenes.proxies), return_values(ahead)
    p = action_probabilities(context.subject.policy, scenes.frames[at])
    stacked = np.stack(list(wanted.values()), -1)
    told: dict[str, tuple[Kind, Score]] = {}

    def tell(name: str, kind: Kind, story: object) -> None:
        rng = generator(context.plan.seed, f"story: {name}")
        told[name] = kind, score(story, p, levels, name=name, rng=rng)  # pyright: ignore[reportArgumentType]

    tell(RETURN, "return", best_softmax_of(wanted_return, p))
    for name, values in wanted.items():
        tell(f"wants {name}", "proxy", best_softmax_of(values[None], p))
    tell(MIXTURE, "mixture", softmax_of(stacked, p))
    tell(RULES, "rules", reflexes(things_seen([one.state for one in decisions]), p, leaves=_LEAVES))
    rng = generator(context.plan.seed, "random mixtures")
    mixed = [
        score(best_softmax_of(values[None], p), p, levels, name="a random mixture", rng=rng).nats.value
        for values in random_mixtures(stacked, draws=context.size.mixtures, rng=rng)
    ]
    base = told[RETURN][1].each
    return Result(
        decisions=len(decisions),
        levels=len(np.unique(levels)),
        explainable=float((np.log(p.shape[1]) - entropy(p)).mean()),
        mixtures=context.size.mixtures,
        random_high=float(np.quantile(mixed, 0.95)),
        stories={
            name: Story(
                kind=kind,
                nats=one.nats,
                share=one.share,
                numbers=one.numbers,
                penalised=one.penalised,
                over_return=None
                if name == RETURN
                else stats.effect(
                    one.each - base,
                    name=f"nats a step: {name}, more than {RETURN}",
                    unit="levels",
                    rng=generator(context.plan.seed, f"story against the return: {name}"),
                    clusters=levels,
                ),
            )
            for name, (kind, one) in told.items()
        },
    )
