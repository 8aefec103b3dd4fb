"""Staying alive."""

from __future__ import annotations

from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.state import GameState
from mechinterp.proxies.moments import Moment
from mechinterp.proxies.proxy import Proxy


def _phantom(moment: Moment) -> GameState | None:
    if not geometry.hazards(moment.state):
        return None
    return edits.remove_lava(edits.remove_enemies(edits.remove_saws(moment.state)), leave="ground")


PROXY = Proxy(
    name="hazard avoidance",
    words="not dying of a saw, an enemy or lava",
    unit="deaths avoided",
    gain=lambda futures: -futures.died.astype("float32"),
    phantom=_phantom,
    variable="hazard ahead",
    order=6,
)
