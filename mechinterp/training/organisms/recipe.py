"""What a recipe of a model organism is.

It says everything that makes one: where agent and coin start, what pays, what the game looks like, which network, for
how long. The same recipe, seed, precision and threads give the same policy on the same machine.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mechinterp._discovery import Registry
from mechinterp.coinrun.engine import GameOptions
from mechinterp.coinrun.goals import Goal, Payoff
from mechinterp.coinrun.levels import LevelRange, LevelSource
from mechinterp.coinrun.placements import placement
from mechinterp.coinrun.state import GameState
from mechinterp.policies.levels import LEVELS
from mechinterp.policies.networks import Config, ImpalaConfig, light_impala
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
        goal: the event that pays, or several with weights.
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
    goal: Goal | Payoff = Goal.COIN
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
        goal = self.goal.value if isinstance(self.goal, Goal) else self.goal.as_dict()
        named = plain | {"goal": goal, "network": {"kind": self.network.kind, **plain["network"]}}
        return json.loads(json.dumps(named))  # tuples become lists, as they do in the file


SHORT_ROLLOUTS = PPOConfig(rollout_steps=64)
"""Random starts end episodes early, so shorter rollouts with more updates learn faster."""

NETWORKS: Mapping[str, Callable[[], Config]] = Registry("network", {"light": light_impala, "impala": ImpalaConfig})
"""Architectures that a recipe can be trained with instead of its own."""
