"""What several tests of the game do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mechinterp.coinrun.engine import Engine
from mechinterp.coinrun.state import GameState


def frames(engine: Engine, states: Sequence[GameState]) -> np.ndarray:
    """The frame of each state."""
    found = []
    for at in range(0, len(states), engine.num):
        part = states[at : at + engine.num]
        engine.load(dict(enumerate(part)))
        found.append(engine.observe()[1][: len(part)].copy())
    return np.concatenate(found)


def play(engine: Engine, state: GameState, actions: Sequence[int]) -> tuple[list[float], int | None, list[GameState]]:
    """Play one game: rewards up to the episode's end, the step of that end (None: not yet), states on the way."""
    engine.load({0: state})
    engine.observe()
    rewards, states = [], []
    for step, action in enumerate(actions):
        engine.step(np.full(engine.num, action))
        reward, _, first = engine.observe()
        rewards.append(float(reward[0]))
        if first[0]:
            return rewards, step, states
        states += engine.states([0])
    return rewards, None, states


def differences(a: GameState, b: GameState) -> set[str]:
    """Names of everything that differs: scalars, generators, "grid", and "entities" or "entities.FIELD"."""
    names = {name for name in a.scalars.dtype.names or () if a.scalars[name] != b.scalars[name]}
    names |= {name for name in ("level_rng", "step_rng", "asset_rng") if getattr(a, name) != getattr(b, name)}
    if a.grid.shape != b.grid.shape or (a.grid != b.grid).any():
        names.add("grid")
    if len(a.entities) != len(b.entities):
        return names | {"entities"}
    fields = a.entities.dtype.names or ()
    return names | {f"entities.{name}" for name in fields if (a.entities[name] != b.entities[name]).any()}
