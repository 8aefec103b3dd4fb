"""`Moment`: the game behind one frame, which places and conditions read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64, UInt8
from torch import Tensor

from mechinterp.coinrun.camera import Camera
from mechinterp.coinrun.layout import EntityType, Tile
from mechinterp.coinrun.levels import StatesLike, as_states
from mechinterp.coinrun.raw_state import trusted_state
from mechinterp.coinrun.state import GameState
from mechinterp.errors import nearest
from mechinterp.interventions.errors import InterventionError
from mechinterp.policies.nodes import PolicyOutput
from mechinterp.policies.subject import PolicyLike, as_policy

KINDS = ("agent", "coin", "decoy", "saw", "enemy", "crate", "lava", "hazard")
"""What an object may be. A hazard is a saw, an enemy or lava. What looks like a saw or like lava counts as one, as a
network sees them; a coin's picture alone has a name of its own, decoy."""

_TILES = {"coin": (Tile.COIN,), "lava": (Tile.LAVA_MID, Tile.LAVA_TOP, Tile.LAVA_MID_PICTURE, Tile.LAVA_TOP_PICTURE)}
_ENTITIES = {"decoy": EntityType.COIN, "enemy": EntityType.ENEMY, "crate": EntityType.CRATE, "saw": EntityType.SAW}
_SAW_PICTURES = (2, 3)
_BATCH = 128


@dataclass(frozen=True, eq=False)
class Moment:
    """One frame, and the game that it shows.

    Attributes:
        source: the game: its state, or the bytes of one that the engine gave.
        frame: what the policy sees.
        step: steps since the episode began; of a state on its own, the game's clock.
        level_seed: of the episode.
        output: what the network says of the frame without edits, one row; None where nobody needs it.
        actions: Procgen action of each of its logits.
    """

    source: GameState | bytes
    frame: UInt8[np.ndarray, "64 64 3"] | None = None
    step: int = 0
    level_seed: int = 0
    output: PolicyOutput | None = None
    actions: tuple[int, ...] = ()

    @cached_property
    def state(self) -> GameState:
        """The game. From a running engine it is parsed without checks, and its generators are blank."""
        return trusted_state(self.source) if isinstance(self.source, bytes) else self.source

    @cached_property
    def camera(self) -> Camera:
        """The window that the frame shows."""
        return Camera.of(self.state)

    @cached_property
    def _found(self) -> dict[str, Float64[np.ndarray, "objects 2"]]:
        return {}

    def objects(self, kind: str) -> Float64[np.ndarray, "objects 2"]:
        """Centres (x, y) of the objects of a kind, in the level's cells, the nearest to the agent first."""
        if kind not in self._found:
            found = _centres(self.state, kind)
            x, y = self.state.agent_xy
            self._found[kind] = found[np.hypot(found[:, 0] - x, found[:, 1] - y).argsort(kind="stable")]
        return self._found[kind]

    def in_view(self, kind: str) -> Float64[np.ndarray, "objects 2"]:
        """Those of `objects` whose centres the frame shows."""
        found = self.objects(kind)
        row, column = self.camera.pixel(found[:, 0], found[:, 1], resolution=1)
        return found[(row >= 0) & (row < 1) & (column >= 0) & (column < 1)]


def check_kind(kind: Any) -> None:
    """Raise InterventionError unless it is one of `KINDS`."""
    if kind not in KINDS:
        raise InterventionError(f"no object is called {kind!r}{nearest(str(kind), KINDS)}")


def _centres(state: GameState, kind: str) -> Float64[np.ndarray, "objects 2"]:
    if kind == "agent":
        return np.array([state.agent_xy])
    if kind == "hazard":
        return np.concatenate([_centres(state, one) for one in ("saw", "enemy", "lava")])
    if kind in _TILES:
        chosen = state.grid == _TILES[kind][0]
        for tile in _TILES[kind][1:]:
            chosen |= state.grid == tile
        ys, xs = np.nonzero(chosen)
        return np.stack([xs, ys], 1) + 0.5
    entities, wanted = state.entities, _ENTITIES[kind]
    pictured = np.isin(entities["image_type"], _SAW_PICTURES)
    chosen = (entities["type"] == wanted) & ~pictured if kind != "saw" else pictured | (entities["type"] == wanted)
    return np.stack([entities["x"][chosen], entities["y"][chosen]], 1).astype(np.float64)


@torch.no_grad()
def moments_of(
    subject: PolicyLike, frames: UInt8[np.ndarray, "rows 64 64 3"] | UInt8[Tensor, "rows 64 64 3"], states: StatesLike
) -> tuple[Moment, ...]:
    """The moments of frames whose states are known, with what the network says of each frame.

    Raises:
        InterventionError: not a state for each frame.
    """
    policy, games = as_policy(subject), as_states(states)
    if len(games) != len(frames):
        raise InterventionError(f"{len(games)} states were given for {len(frames)} frames; each frame has its own")
    pictures = torch.as_tensor(frames)
    device = next(policy.parameters()).device
    found = []
    for at in range(0, len(games), _BATCH):
        out = policy(pictures[at : at + _BATCH].to(device))
        for row, game in enumerate(games[at : at + _BATCH]):
            output = PolicyOutput(out.logits[row : row + 1], out.value[row : row + 1])
            frame = pictures[at + row].cpu().numpy()
            clock = int(game["cur_time"])
            found.append(Moment(game, frame, clock, game.level_seed, output, policy.actions))
    return tuple(found)


def as_moments(states: StatesLike | Sequence[Moment] | None) -> tuple[Moment, ...] | None:
    """States, or moments that were made before, as moments; None as None."""
    if states is None:
        return None
    if isinstance(states, Sequence) and states and all(isinstance(one, Moment) for one in states):
        return tuple(states)  # pyright: ignore[reportReturnType]
    return tuple(Moment(game, None, int(game["cur_time"]), game.level_seed) for game in as_states(states))  # pyright: ignore[reportArgumentType]
