"""`Moment`: the game behind one frame, which places and conditions read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from mechinterp.coinrun.camera import Camera
from mechinterp.coinrun.layout import EntityType, Tile
from mechinterp.coinrun.levels import StatesLike, as_states
from mechinterp.coinrun.raw_state import trusted_state
from mechinterp.coinrun.state import GameState
from mechinterp.errors import nearest
from mechinterp.interventions.errors import InterventionError
from mechinterp.policies.frames import as_frames
from mechinterp.policies.nodes import PolicyOutput
from mechinterp.policies.subject import PolicyLike, as_policy

KINDS = ("agent", "coin", "decoy", "saw", "enemy", "crate", "lava", "hazard")
"""What an object may be. A hazard is a saw, an enemy or lava. What looks like a saw or like lava counts as one, as a
network sees them; a coin's picture alone has a name of its own, decoy."""

# Plain numbers: at every step of every game, reading a member of an enumeration would cost as much as the comparison.
_COIN, _LAVA = int(Tile.COIN), (int(Tile.LAVA_MID), int(Tile.LAVA_TOP))  # a picture of lava has the negative number
_ENTITIES = {
    "decoy": int(EntityType.COIN),
    "enemy": int(EntityType.ENEMY),
    "crate": int(EntityType.CRATE),
    "saw": int(EntityType.SAW),
}
_SAW_PICTURES = (2, 3)
_BATCH = 128
Point = tuple[float, float]


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
        kept: what was found in the grid of the same episode before; it saves looking again.
    """

    source: GameState | bytes
    frame: UInt8[np.ndarray, "64 64 3"] | None = None
    step: int = 0
    level_seed: int = 0
    output: PolicyOutput | None = None
    actions: tuple[int, ...] = ()
    kept: dict[str, tuple[Point, ...]] | None = None

    @cached_property
    def state(self) -> GameState:
        """The game. From a running engine it is parsed without checks, and its generators are blank."""
        return trusted_state(self.source) if isinstance(self.source, bytes) else self.source

    @cached_property
    def agent_xy(self) -> Point:
        """The agent's centre (x, y) in cells, y upward."""
        state = self.state
        at = state.agent_index
        return float(state.entities["x"][at]), float(state.entities["y"][at])

    @cached_property
    def camera(self) -> Camera:
        """The window that the frame shows."""
        numbers = self.state.scalars
        if numbers["center_agent"]:  # as `Camera.of`, without the ways that cost at every step of every game
            return Camera(*self.agent_xy, float(numbers["visibility"]))
        return Camera.of(self.state)

    def objects(self, kind: str) -> tuple[Point, ...]:
        """Centres (x, y) of the objects of a kind, in the level's cells."""
        if kind not in self._found:
            self._found[kind] = (self.agent_xy,) if kind == "agent" else _centres(self, kind)
        return self._found[kind]

    def in_view(self, kind: str) -> tuple[Point, ...]:
        """Those of `objects` whose centres the frame shows."""
        found = self.objects(kind)
        return tuple(point for point in found if self.map_cells((point,), 1)) if found else ()

    def map_cells(self, points: Sequence[Point], side: int) -> tuple[tuple[int, int], ...]:
        """(row, column), in a map of `side` x `side` cells, of each of these points that is in view.

        It is `Camera.feature_cell`, for many points of many games.
        """
        camera = self.camera
        unit, half = side / camera.visibility, camera.visibility / 2
        found = []
        for x, y in points:
            row, column = unit * (camera.y - y + half), unit * (x - camera.x + half)
            if 0 <= row < side and 0 <= column < side:
                found.append((int(row), int(column)))
        return tuple(found)

    @cached_property
    def _found(self) -> dict[str, tuple[Point, ...]]:
        return {}


def check_kind(kind: object) -> None:
    """Raise InterventionError unless it is one of `KINDS`."""
    if kind not in KINDS:
        raise InterventionError(f"no object is called {kind!r}{nearest(str(kind), KINDS)}")


def _centres(moment: Moment, kind: str) -> tuple[Point, ...]:
    if kind == "hazard":
        return moment.objects("saw") + moment.objects("enemy") + moment.objects("lava")
    if kind in ("coin", "lava"):
        return _tiles(moment, kind)
    entities = moment.state.entities
    types, pictures = entities["type"], entities["image_type"]
    chosen = types == _ENTITIES[kind]
    if kind == "saw":
        chosen = chosen | (pictures == _SAW_PICTURES[0]) | (pictures == _SAW_PICTURES[1])
    rows = np.flatnonzero(chosen)
    if not len(rows):
        return ()
    centres = zip(entities["x"][rows].tolist(), entities["y"][rows].tolist(), strict=True)
    if kind == "saw":
        return tuple(centres)
    like_saws = pictures[rows].tolist()
    return tuple(point for point, picture in zip(centres, like_saws, strict=True) if picture not in _SAW_PICTURES)


def _tiles(moment: Moment, kind: str) -> tuple[Point, ...]:
    """Of what the grid holds. The grid stays as it is until the coin is taken, so that what was found may be kept."""
    kept, grid = moment.kept, moment.state.grid
    if kept is not None and kind in kept:
        return kept[kind]
    tiles = np.abs(grid) if kind == "lava" else grid
    chosen = tiles == _COIN if kind == "coin" else (tiles == _LAVA[0]) | (tiles == _LAVA[1])
    width = grid.shape[1]
    found = tuple((cell % width + 0.5, cell // width + 0.5) for cell in np.flatnonzero(chosen).tolist())
    if kept is not None:
        kept[kind] = found
    return found


@torch.no_grad()
def moments_of(
    subject: PolicyLike, frames: UInt8[np.ndarray, "rows 64 64 3"] | UInt8[Tensor, "rows 64 64 3"], states: StatesLike
) -> tuple[Moment, ...]:
    """The moments of frames whose states are known, with what the network says of each frame.

    Raises:
        InterventionError: not a state for each frame.
        PolicyError: frames that are none.
    """
    policy, games, pictures = as_policy(subject), as_states(states), as_frames(frames)
    if len(games) != len(frames):
        raise InterventionError(f"{len(games)} states were given for {len(frames)} frames; each frame has its own")
    found = []
    for at in range(0, len(games), _BATCH):
        out = policy(pictures[at : at + _BATCH])
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
