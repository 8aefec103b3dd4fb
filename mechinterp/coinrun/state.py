"""`GameState`: one CoinRun game, which cannot hold a value that kills the game."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from types import MappingProxyType

import numpy as np
from jaxtyping import Int, Shaped

from mechinterp.coinrun import layout
from mechinterp.coinrun.checks import (
    StateError,
    as_records,
    as_scalar,
    as_whole_numbers,
    check_entities,
    check_grid,
    check_scalars,
)
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
        _check_rngs({name: getattr(self, name) for name in _RNGS})
        entities, grid = _entities(self.entities), _grid(self.grid)
        scalars = as_records("scalars", self.scalars, SCALAR_DTYPE).copy()
        if scalars.shape != ():
            raise StateError(f"scalars: shape {scalars.shape}, expected a single record")
        _derive(scalars, entities, grid)
        for name, array in (("scalars", scalars), ("entities", entities), ("grid", grid)):
            object.__setattr__(self, name, _frozen(array))
        check_scalars(scalars, entities, grid)
        check_grid(grid)
        check_entities(entities)

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
        # What stays is checked already, and cannot have been written to: only what is new is copied and looked at.
        new = {"entities": self.entities, "grid": self.grid, **{name: getattr(self, name) for name in _RNGS}, **rngs}
        if entities is not None:
            new["entities"] = _frozen(_entities(entities))
        if grid is not None:
            new["grid"] = _frozen(_grid(grid))
        if rngs:
            _check_rngs(new)
        _derive(values, new["entities"], new["grid"])
        check_scalars(values, new["entities"], new["grid"])
        if grid is not None:
            check_grid(new["grid"])
        if entities is not None:
            check_entities(new["entities"])
        state = object.__new__(type(self))
        state.__dict__.update(scalars=_frozen(values), **new)
        for name, array in (("agent_index", entities), ("coins", grid)):  # worked out once for each array
            if array is None and name in self.__dict__:
                state.__dict__[name] = self.__dict__[name]
        return state

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
        return int(np.flatnonzero(self.entities["type"] == int(EntityType.AGENT))[-1])

    @property
    def agent_xy(self) -> tuple[float, float]:
        """The agent's centre in cells, y upward."""
        agent = self.entities[self.agent_index]
        return float(agent["x"]), float(agent["y"])

    @cached_property
    def coins(self) -> tuple[tuple[int, int], ...]:
        """The cells (x, y) that hold a real coin, left to right."""
        ys, xs = np.nonzero(self.grid == int(Tile.COIN))
        return tuple(sorted(zip(xs.tolist(), ys.tolist(), strict=True)))


def _check_rngs(rngs: Mapping[str, object]) -> None:
    for name in _RNGS:
        rng = rngs[name]
        if not isinstance(rng, RngState):
            raise StateError(f"{name}: a {type(rng).__name__}, expected an RngState")
        # Blank or not: the game draws from these two, and exits where they are not seeded.
        if name != "asset_rng" and not rng.is_seeded:
            raise StateError(f"{name}: is_seeded is 0, a game that is played has 1")


def _entities(given: object) -> Shaped[np.ndarray, " entities"]:
    entities = np.atleast_1d(as_records("entities", given, ENTITY_DTYPE))
    if entities.ndim != 1 or len(entities) == 0:
        raise StateError(f"entities: shape {entities.shape}, expected one axis with at least the agent")
    return entities


def _grid(given: object) -> Int[np.ndarray, "h w"]:
    grid = as_whole_numbers("grid", given)
    if grid.ndim != 2 or grid.size == 0:
        raise StateError(f"grid: shape {grid.shape}, expected 2 axes (y, x) of {layout.MIN_SIDE} cells or more")
    return grid


def _derive(
    scalars: Shaped[np.ndarray, ""], entities: Shaped[np.ndarray, " entities"], grid: Int[np.ndarray, "h w"]
) -> None:
    """Set the scalars that follow from the arrays, in place."""
    height, width = grid.shape
    for name, value in zip(layout.DERIVED, (grid.size, len(entities), width, height, grid.size), strict=True):
        scalars[name] = value


def _frozen(array: np.ndarray) -> np.ndarray:
    """A copy that cannot be made writable: bytes cannot, where a flag alone could be turned back."""
    return np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)


def _known(name: str) -> None:
    if name not in SCALAR_DTYPE.fields:  # pyright: ignore[reportOperatorIssue]
        near = get_close_matches(name, SCALAR_DTYPE.names or (), 3)
        raise StateError(f"a state has no field {name!r}; nearest: {', '.join(near) or 'none'}")
