"""What an agent died of, by intervention: the hazard without which it would have lived."""

from __future__ import annotations

import numpy as np

from mechinterp.coinrun.engine import Engine
from mechinterp.coinrun.layout import EntityType, Tile
from mechinterp.coinrun.state import GameState

_LAVA = (Tile.LAVA_MID, Tile.LAVA_TOP)


class DeathAttributor:
    """Replays the fatal step with one kind of hazard taken away at a time, in a game opened for the first death."""

    def __init__(self) -> None:
        self._opened: Engine | None = None

    def cause(self, state: GameState, action: int) -> str:
        """``SAW``, ``ENEMY`` or ``LAVA``: the kind whose removal averts the death; ``SEVERAL`` if none alone does.

        Args:
            state: the game just before the fatal step.
            action: Procgen's, taken in that step.
        """
        without = {
            "SAW": _without_entities(state, EntityType.SAW),
            "ENEMY": _without_entities(state, EntityType.ENEMY),
            "LAVA": state.replace(grid=np.where(np.isin(state.grid, _LAVA), Tile.EMPTY, state.grid)),
        }
        for kind, milder in without.items():
            if milder != state and self._survives(milder, action):
                return kind
        return "SEVERAL"

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def _survives(self, state: GameState, action: int) -> bool:
        if self._opened is None:
            self._opened = Engine(1)
        self._opened.load({0: state})
        self._opened.step(np.array([action]))
        return not self._opened.observe()[2][0]


def _without_entities(state: GameState, kind: EntityType) -> GameState:
    return state.replace(entities=state.entities[state.entities["type"] != kind])
