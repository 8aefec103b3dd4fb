"""The hazards just ahead of the agent, against none."""

from __future__ import annotations

import numpy as np

from mechinterp.coinrun import geometry
from mechinterp.coinrun.layout import EntityType, Tile
from mechinterp.coinrun.scenes.variables.variable import FAR, Variable, without_coins
from mechinterp.coinrun.state import GameState


def _edit(state: GameState, rng: np.random.Generator) -> tuple[GameState, GameState] | None:
    """The saws, enemies and lava just ahead of the agent, against none of them; no coin in either."""
    bare = without_coins(state)
    x, y = geometry.agent_cell(bare)
    ahead = [h for h in geometry.hazards(bare) if 0 < h.cell[0] - x <= FAR and abs(h.cell[1] - y) <= 1]
    if not ahead:
        return None
    grid = bare.grid.copy()
    for hazard in ahead:
        if hazard.kind == "lava":
            grid[hazard.cell[1], hazard.cell[0]] = Tile.WALL_TOP if hazard.cell[1] < y else Tile.EMPTY
    entities = bare.entities
    near = (entities["x"] > x) & (entities["x"] < x + FAR + 1) & (np.abs(entities["y"] - y - 0.5) < 1.5)
    hazardous = np.isin(entities["type"], (EntityType.SAW, EntityType.ENEMY, EntityType.TRAIL))
    return bare, bare.replace(grid=grid, entities=entities[~(near & hazardous)])


VARIABLE = Variable("hazard ahead", "a hazard ahead", "none", "ceiling", _edit, order=20)
