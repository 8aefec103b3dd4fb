"""Staying alive."""

from __future__ import annotations

from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.state import GameState
from mechinterp.proxies.decisions import Decision
from mechinterp.proxies.proxy import Proxy


def _phantom(decision: Decision) -> GameState | None:
    if not geometry.hazards(decision.state):
        return None
    return edits.remove_lava(edits.remove_enemies(edits.remove_saws(decision.state)), leave="ground")


PROXY = Proxy(
    name="hazard avoidance",
    words="not dying of a saw, an enemy or lava",
    unit="deaths avoided",
    gain=lambda futures: -futures.died.astype("float32"),
    phantom=_phantom,
    order=6,
)
