"""Who plays, and whole episodes on held-out stock levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.policies.actors import Actor, AlwaysRight, UniformRandom
from mechinterp.policies.controls import untrained
from mechinterp.policies.evaluation import Trial, play
from mechinterp.policies.remembering import RememberingActor
from mechinterp.policies.rollouts import Episodes

POLICY = "policy"
BLIND = "always right + jump"


@dataclass(eq=False)
class StockEpisodes:
    """The first episode of each held-out stock level, played when first asked for.

    Attributes:
        actors: who plays, and on how many levels (the first ones, so that all pairs are paired by level).
    """

    inputs: Inputs
    actors: Mapping[str, tuple[Actor, int]]
    _played: dict[str, Episodes] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Episodes:
        if name not in self._played:
            actor, count = self.actors[name]
            self.inputs.tick(f"playing stock levels: {name}")
            plan, options = self.inputs.plan, self.inputs.subject.options
            levels = self.inputs.subject.held_out("behaviour", count).seeds
            self._played[name] = play(actor, levels, Trial(), options=options, seed=plan.seed)
        return self._played[name]


def stock_episodes(inputs: Inputs) -> StockEpisodes:
    """The policy, two rules that look at nothing, and an untrained network."""
    policy, plan = inputs.subject.policy, inputs.plan
    few = max(10, plan.levels // 4)
    actors: dict[str, tuple[Actor, int]] = {
        POLICY: (RememberingActor(policy), plan.levels),
        BLIND: (AlwaysRight(), plan.levels),
        # These two spend most of their time standing around until the clock runs out: fewer levels do.
        "uniform random": (UniformRandom(), few),
        "untrained network": (RememberingActor(untrained(policy, seed=plan.seed)), few),
    }
    return StockEpisodes(inputs, actors)
