"""Decisions that every policy is put before, with the real game forked for each action."""

from __future__ import annotations

from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.proxies.choice_scenes import ChoiceScenes, choice_scenes


def scenes_of_choice(inputs: Inputs) -> ChoiceScenes:
    """Of the plan's levels."""
    inputs.tick("forking the game for every action")
    plan = inputs.plan
    return choice_scenes(inputs.subject, levels=plan.levels, per_level=plan.states, seed=plan.seed)
