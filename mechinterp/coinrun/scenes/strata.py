"""Strata: the circumstances in which a pair lies, so that an effect can be reported for each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64, Shaped

from mechinterp.coinrun import camera, geometry
from mechinterp.coinrun.geometry import Cell
from mechinterp.coinrun.layout import EntityType
from mechinterp.coinrun.state import GameState, StateError
from mechinterp.errors import nearest

NEAR = 2
"""A coin is near up to so many columns from the agent's feet, and far beyond."""
_NONE = "no coin"


class SceneError(StateError):
    """Minimal pairs that cannot be made, selected from, or read."""


@dataclass(frozen=True)
class Strata(Mapping[str, Shaped[np.ndarray, " pairs"]]):
    """A label for each pair in each stratum: ``strata["agent"]`` is an array of "grounded" and "airborne".

    ==========  ========================================================================================
    "agent"     "grounded" or "airborne", by the game's own rule
    "distance"  "near" (coin at most `NEAR` columns from the agent's feet), "far" or "no coin"
    "side"      where the clean coin is: "right", "left", "overhead" or "no coin"
    "hazard"    "in view" (a saw, an enemy or lava, in the corrupted scene) or "none"
    "facing"    "right" or "left": the way that the agent looks
    ==========  ========================================================================================

    Attributes:
        labels: by name, a text a pair.
    """

    labels: Mapping[str, tuple[str, ...]]

    def __getitem__(self, name: str) -> Shaped[np.ndarray, " pairs"]:
        if name not in self.labels:
            raise SceneError(f"no stratum is called {name!r}{nearest(str(name), self.labels)}")
        return np.array(self.labels[name], np.str_)

    def __contains__(self, name: object) -> bool:
        return name in self.labels

    def __iter__(self) -> Iterator[str]:
        return iter(self.labels)

    def __len__(self) -> int:
        return len(self.labels)

    def mask(self, name: str, label: str) -> Bool[np.ndarray, " pairs"]:
        """Which pairs have this label.

        Raises:
            SceneError: no such stratum, or a label that no pair has.
        """
        found = self[name] == label
        if not found.any():
            raise SceneError(f"no pair is {label!r} in stratum {name!r}{nearest(str(label), self.labels[name])}")
        return found

    def masks(self) -> dict[tuple[str, str], Bool[np.ndarray, " pairs"]]:
        """(stratum, label) -> which pairs have it, for every stratum in which the pairs differ."""
        return {
            (name, label): own == label
            for name, own in self.items()
            if len(set(self.labels[name])) > 1
            for label in np.unique(own).tolist()
        }

    def select(self, rows: Int64[np.ndarray, " rows"]) -> Strata:
        """Those of the pairs at these places."""
        return Strata({name: tuple(own[row] for row in rows) for name, own in self.labels.items()})

    @classmethod
    def joined(cls, parts: Sequence[Strata]) -> Strata:
        """One after the other: the strata that all parts have."""
        names = [name for name in parts[0] if all(name in part for part in parts)]
        return cls({name: tuple(label for part in parts for label in part.labels[name]) for name in names})


def strata_of(clean: Sequence[GameState], corrupted: Sequence[GameState]) -> Strata:
    """The strata of pairs of states."""
    rows = [_labels(*pair) for pair in zip(clean, corrupted, strict=True)]
    return Strata({name: tuple(row[name] for row in rows) for name in rows[0]} if rows else {})


def _labels(clean: GameState, corrupted: GameState) -> dict[str, str]:
    cell = coin_cell(clean)
    at = None if cell is None else cell[0] - geometry.agent_cell(clean)[0]
    return {
        "agent": "grounded" if geometry.on_ground(clean) else "airborne",
        "distance": _NONE if at is None else "near" if abs(at) <= NEAR else "far",
        "side": _NONE if at is None else {1: "right", -1: "left", 0: "overhead"}[int(np.sign(at))],
        "hazard": "in view" if _hazard_in_view(corrupted) else "none",
        "facing": "right" if clean["facing_right"] else "left",
    }


def coin_cell(state: GameState) -> Cell | None:
    """The cell of the coin (or else decoy) that is nearest to the agent; None where there is none."""
    cells = state.coins or tuple(geometry.entity_cells(state, EntityType.COIN))
    x, y = state.agent_xy
    return min(cells, key=lambda cell: (np.hypot(cell[0] + 0.5 - x, cell[1] + 0.5 - y), cell), default=None)


def _hazard_in_view(state: GameState) -> bool:
    window = camera.Camera.of(state)
    return any(window.feature_cell(hazard.x, hazard.y, 1) is not None for hazard in geometry.hazards(state))
