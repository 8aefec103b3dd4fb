"""The wall at the level's end, and the one at its start, where they are in view."""

from __future__ import annotations

from collections.abc import Callable

from mechinterp.coinrun import edits
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.state import GameState
from mechinterp.proxies.decisions import Decision
from mechinterp.proxies.potentials import column, in_view, nearer_to
from mechinterp.proxies.proxy import Proxy

_FARTHER = 12
"""Columns from the agent to a wall that is out of view."""


def _visible(of: Callable[[Decision], int]) -> Callable[[Decision], list[Cell]]:
    def cells(decision: Decision) -> list[Cell]:
        x = of(decision)
        return column(decision.state, x) if in_view(decision.state, x) else []

    return cells


def _phantom(of: Callable[[Decision], int]) -> Callable[[Decision], GameState | None]:
    """The level goes on beyond the wall, out of view."""

    def phantom(decision: Decision) -> GameState | None:
        state, x = decision.state, of(decision)
        if not in_view(state, x):
            return None
        try:
            if x > state.agent_xy[0]:
                return edits.move_end(state, int(state.agent_xy[0]) + _FARTHER)
            turned = edits.mirrored(state)
            return edits.mirrored(edits.move_end(turned, int(turned.agent_xy[0]) + _FARTHER))
        except edits.EditError:
            return None

    return phantom


PROXY = (
    Proxy(
        name="end wall",
        words="being nearer to the wall at the level's end, where it is in view",
        unit="cells",
        gain=nearer_to(_visible(lambda decision: decision.end)),
        phantom=_phantom(lambda decision: decision.end),
        order=4,
    ),
    Proxy(
        name="start of level",
        words="being nearer to the wall where the level begins, where it is in view",
        unit="cells",
        gain=nearer_to(_visible(lambda decision: decision.start)),
        phantom=_phantom(lambda decision: decision.start),
        order=5,
    ),
)
