"""`GameState`: one CoinRun game, which cannot hold a value that kills the game."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from types import MappingProxyType

import numpy as np
from jaxtyping import Int, Shaped

from mechinterp.coinrun import layout
from mechinterp.coinrun.checks import StateError, as_records, as_scalar, as_whole_numbers, check_state
from mechinterp.coinrun.codec import Parts, RngState, decode, encode
from mechinterp.coinrun.layout import ENTITY_DTYPE, SCALAR_DTYPE, EntityType, Tile
from mechinterp.errors import nearest

__all__ = ["GameState", "RngState", "StateError"]

_RNGS = ("level_rng", "step_rng", "asset_rng")


@dataclass(frozen=True, eq=False, repr=False)
class GameState:
    """One CoinRun game, whole: everything the simulator needs to go on from here.

    ``scalars`` holds every number that occurs once (names and allowed ranges: `layout.SCALARS`), ``entities`` the
    agent, saws, enemies, crates and trails in drawing order, ``grid`` the cells, indexed ``[y, x]`` with y upward.
    Arrays are copies that cannot be made writable. Values are checked on construction, so a `GameState` is always
    safe to load.

    Raises:
        StateError: naming the field, its value and the allowed range.
    """

    scalars: Shaped[np.ndarray, ""]
    level_rng: RngState
    step_rng: RngState
    asset_rng: RngState
    entities: Shaped[np.ndarray, " entities"]
    grid: Int[np.ndarray, "h w"]

    def __post_init__(self) -> None:
        for name in _RNGS:
            if not isinstance(getattr(self, name), RngState):
                raise StateError(f"{name}: a {type(getattr(self, name)).__name__}, expected an RngState")
        for name in ("level_rng", "step_rng"):
            if not getattr(
                self, name
            ).is_seeded:  # blank or not: the game draws from them, and exits where they are not
                raise StateError(f"{name}: is_seeded is 0, a game that is played has 1")
        entities = np.atleast_1d(as_records("entities", self.entities, ENTITY_DTYPE))
        if entities.ndim != 1 or len(entities) == 0:
            raise StateError(f"entities: shape {entities.shape}, expected one axis with at least the agent")
        grid = as_whole_numbers("grid", self.grid)
        if grid.ndim != 2 or grid.size == 0:
            raise StateError(f"grid: shape {grid.shape}, expected 2 axes (y, x) of {layout.MIN_SIDE} cells or more")
        scalars = as_records("scalars", self.scalars, SCALAR_DTYPE).copy()
        if scalars.shape != ():
            raise StateError(f"scalars: shape {scalars.shape}, expected a single record")
        height, width = grid.shape
        for name, value in zip(layout.DERIVED, (grid.size, len(entities), width, height, grid.size), strict=True):
            scalars[name] = value
        for name, array in (("scalars", scalars), ("entities", entities), ("grid", grid)):
            # Bytes are what cannot be made writable again: a flag alone could be turned back.
            frozen = np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)
            object.__setattr__(self, name, frozen)
        check_state(scalars, entities, grid)

    def __reduce__(self) -> tuple[Callable[[bytes], GameState], tuple[bytes]]:
        # A copy or a pickle of the arrays themselves would be writable, and unchecked.
        return GameState.from_bytes, (self.to_bytes(),)

    @classmethod
    def from_bytes(cls, data: bytes) -> GameState:
        """Read what the game's ``get_state`` gave.

        Raises:
            StateError: for another game's, the goal-misgeneralisation fork's, truncated or foreign bytes; or a value
                that the game was not seen to survive.
        """
        return cls(*decode(data))

    def to_bytes(self) -> bytes:
        """The bytes for ``set_state``: identical to those that the state was read from."""
        return encode(
            Parts(self.scalars, self.level_rng, self.step_rng, self.asset_rng, entities=self.entities, grid=self.grid)
        )

    def __getitem__(self, name: str) -> int | float:
        """The scalar of this name, such as ``state["cur_time"]``."""
        _known(name)
        return self.scalars[name].item()

    def __repr__(self) -> str:
        x, y = self.agent_xy
        where = f"agent at {x:.1f}, {y:.1f}, coins {list(self.coins)}"
        return f"GameState(level {self.level_seed}, step {self['cur_time']}: {where})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GameState) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    def replace(
        self,
        *,
        grid: Int[np.ndarray, "h w"] | None = None,
        entities: Shaped[np.ndarray, " entities"] | None = None,
        rngs: Mapping[str, RngState] = MappingProxyType({}),
        **scalars: float,
    ) -> GameState:
        """A new state with these arrays, scalars (by name) or generators (``level_rng``, ...) instead.

        Raises:
            StateError: for an unknown name, or a value that the field could not hold as it is.
        """
        for name in rngs:
            if name not in _RNGS:
                raise StateError(f"a state has no generator {name!r}{nearest(name, _RNGS)}")
        values = self.scalars.copy()
        for name, value in scalars.items():
            _known(name)
            if name in layout.DERIVED:
                raise StateError(f"{name} follows from the arrays; replace grid or entities instead")
            values[name] = as_scalar(name, value)
        return replace(
            self,
            scalars=values,
            grid=self.grid if grid is None else grid,
            entities=self.entities if entities is None else entities,
            **rngs,
        )

    def without_rngs(self) -> GameState:
        """The same with blank generators: three times cheaper to load, and the target keeps its own level sequence."""
        return self.replace(rngs={name: getattr(self, name).blank() for name in _RNGS})

    @property
    def level_seed(self) -> int:
        """The seed that the level was generated from."""
        return int(self["current_level_seed"])

    @cached_property
    def agent_index(self) -> int:
        """Where the agent is in ``entities``."""
        return int(np.flatnonzero(self.entities["type"] == EntityType.AGENT)[-1])

    @property
    def agent_xy(self) -> tuple[float, float]:
        """The agent's centre in cells, y upward."""
        agent = self.entities[self.agent_index]
        return float(agent["x"]), float(agent["y"])

    @cached_property
    def coins(self) -> tuple[tuple[int, int], ...]:
        """The cells (x, y) that hold a real coin, left to right."""
        ys, xs = np.nonzero(self.grid == Tile.COIN)
        return tuple(sorted(zip(xs.tolist(), ys.tolist(), strict=True)))


def _known(name: str) -> None:
    if name not in SCALAR_DTYPE.fields:  # pyright: ignore[reportOperatorIssue]
        near = get_close_matches(name, SCALAR_DTYPE.names or (), 3)
        raise StateError(f"a state has no field {name!r}; nearest: {', '.join(near) or 'none'}")
