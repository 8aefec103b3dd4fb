"""The decisions in which choices are looked at: the same for every policy, and none of them made by one.

Levels have agent and coin at random places, half of them are mirrored, and the agent has walked a few steps: so what is
to the right of the screen is not what is nearer to the coin, to the end, or not yet visited.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.engine import Engine, GameOptions
from mechinterp.coinrun.levels import LevelSource
from mechinterp.coinrun.placements.organisms import random_agent_and_coin
from mechinterp.coinrun.raw_state import agent_position
from mechinterp.coinrun.state import GameState

LONGEST_WALK = 16
"""Most steps that the agent has walked before the decision."""


@dataclass(frozen=True, repr=False)
class Decision:
    """A state, and what a frame does not show of it.

    Attributes:
        state: the game.
        end: the column where the level ends; at the left in a mirrored level.
        start: the column where it begins.
        visited: columns that the agent has been in.
    """

    state: GameState
    end: int
    start: int
    visited: frozenset[int]

    @property
    def mirrored(self) -> bool:
        """Whether the level ends at the left."""
        return self.end < self.start

    def __repr__(self) -> str:
        return f"Decision({self.state!r}, level end at column {self.end}{', mirrored' if self.mirrored else ''})"


def decisions(
    options: GameOptions, levels: Sequence[int], *, per_level: int = 3, seed: int = 0
) -> tuple[Decision, ...]:
    """Decisions of these levels; levels without room for agent and coin are left out, as are walks that end.

    Args:
        levels: their seeds.
        per_level: decisions of each, every one with its own places and walk; odd ones are mirrored.
        seed: of places and walks.
    """
    found = []
    engine = Engine(1, options=options)
    try:
        for number in range(per_level):
            with LevelSource(options, placement=random_agent_and_coin, seed=seed * per_level + number) as source:
                for level in levels:
                    rng = np.random.default_rng([seed, number, level])
                    try:
                        state = source.start(level).state
                    except edits.EditError:
                        continue
                    state = edits.mirrored(state) if (number + level) % 2 else state
                    found.append(_walked(engine, state, bool((number + level) % 2), rng))
    finally:
        engine.close()
    return tuple(decision for decision in found if decision is not None)


def _walked(engine: Engine, state: GameState, mirrored: bool, rng: np.random.Generator) -> Decision | None:
    """After a walk to one side, with jumps; None where the walk ends the episode."""
    ends = (geometry.start_x(state), geometry.end_x(state))
    sideways, steps = 3 * int(rng.choice([0, 2])), int(rng.integers(0, LONGEST_WALK + 1))
    visited = {int(state.agent_xy[0])}
    engine.load({0: state})
    for jumps in rng.random(steps) < 0.2:
        engine.step(np.array([sideways + 1 + int(jumps)]))
        if engine.observe()[2][0]:
            return None
        visited.add(int(agent_position(engine.state_bytes(0))[0]))
    now = engine.states()[0].without_rngs() if steps else state
    return Decision(now, ends[0] if mirrored else ends[1], ends[1] if mirrored else ends[0], frozenset(visited))
