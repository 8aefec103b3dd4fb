"""Model organisms: policies whose value is known, because of what they were paid for.

A recipe says everything that makes one: where agent and coin start, what pays, what the game looks like, which network,
for how long. The same recipe, seed, precision and threads give the same policy on the same machine.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mechinterp.coinrun.engine import GameOptions
from mechinterp.coinrun.goals import Goal
from mechinterp.coinrun.levels import LevelRange, LevelSource
from mechinterp.coinrun.placements import placement
from mechinterp.coinrun.state import GameState
from mechinterp.errors import nearest
from mechinterp.policies.levels import LEVELS
from mechinterp.policies.networks import Config, ImpalaConfig, light_impala
from mechinterp.training.errors import TrainingError
from mechinterp.training.ppo import PPOConfig

PLAIN_EASY = GameOptions(distribution_mode="easy", use_backgrounds=False)
"""What two CPU cores can learn in an hour: easy levels on a black background."""


@dataclass(frozen=True)
class Organism:
    """A recipe.

    Attributes:
        name: what `mechinterp train` calls it.
        value: what it is paid for, in words.
        placement: name of the rule that edits each training level (see `coinrun.placements`).
        goal: the event that pays.
        options: of the game.
        network: architecture.
        ppo: hyperparameters.
        budget: environment steps.
        levels: training levels.
        clock: steps after which a training episode times out. The stock game's 1000 let agents that have learned to
            stand still, where nothing kills, fill the rollouts with empty steps: one run of `standard` never left that
            trap. The clock is not to be seen in the frames.
    """

    name: str
    value: str
    placement: str = "stock"
    goal: Goal = Goal.COIN
    options: GameOptions = PLAIN_EASY
    network: Config = field(default_factory=light_impala)
    ppo: PPOConfig = field(default_factory=PPOConfig)
    budget: int = 3_000_000
    levels: LevelRange = LEVELS["training"]
    clock: int = 300

    def source(self) -> LevelSource:
        """Makes this organism's training levels."""
        rule = placement(self.placement)

        def place(state: GameState, rng: np.random.Generator) -> GameState:
            return rule(state, rng).replace(timeout=self.clock)

        return LevelSource(self.options, placement=place)

    def as_dict(self) -> dict[str, Any]:
        """The recipe as plain values, for `config.json` and to tell recipes apart."""
        plain = dataclasses.asdict(self)
        named = plain | {"goal": self.goal.value, "network": {"kind": self.network.kind, **plain["network"]}}
        return json.loads(json.dumps(named))  # tuples become lists, as they do in the file


_SHORT_ROLLOUTS = PPOConfig(rollout_steps=64)
"""Random starts end episodes early, so shorter rollouts with more updates learn faster."""

_STANDARD = Organism("standard", "open: the coin and the right end were paid alike", "stock")

ORGANISMS: dict[str, Organism] = {
    recipe.name: recipe
    for recipe in (
        _STANDARD,
        Organism("coin", "the coin, wherever it is", "random_agent_and_coin", ppo=_SHORT_ROLLOUTS, budget=1_500_000),
        Organism("right", "the right end of the level; coins are decoys", "decoys", Goal.END, budget=1_500_000),
        Organism("left", "the left end of the level; coins are decoys", "agent_at_right", Goal.START, budget=1_500_000),
        *(
            Organism(
                f"random_percent_{percent}",
                f"the coin, which in {percent} % of levels lies somewhere before the end",
                f"random_percent={percent}",
            )
            for percent in (2, 10, 100)
        ),
    )
}
"""Recipes by name."""

NETWORKS: dict[str, Callable[[], Config]] = {"light": light_impala, "impala": ImpalaConfig}
"""Architectures that a recipe can be trained with instead of its own."""


def organism(name: str) -> Organism:
    """The recipe of this name.

    Raises:
        TrainingError: if there is none, with the nearest names.
    """
    if name not in ORGANISMS:
        raise TrainingError(f"no organism is called {name!r}{nearest(name, ORGANISMS)}")
    return ORGANISMS[name]
