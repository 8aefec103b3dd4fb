"""What is true of a scene, read off its state: what probes are asked to find in the activations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64

from mechinterp.coinrun import camera, geometry
from mechinterp.coinrun.state import GameState
from mechinterp.errors import nearest
from mechinterp.features.errors import FeatureError

Kind = Literal["class", "number"]
HALF_VIEW = 6.5
"""Cells from the agent to the frame's edge in the stock game."""
AHEAD = 5
"""Columns to the right within which a hazard counts as ahead, as in the minimal pairs."""


@dataclass(frozen=True, eq=False, repr=False)
class Label:
    """One variable of the world, in many scenes.

    Attributes:
        name: in words.
        kind: "class" (0 or 1) or "number".
        values: one a scene; NaN where the question has no answer (the side of a coin that is not there).
        unit: of a number.
    """

    name: str
    kind: Kind
    values: Float64[np.ndarray, " scenes"]
    unit: str = ""

    def __post_init__(self) -> None:
        values = np.array(self.values, np.float64)
        if values.ndim != 1 or np.isinf(values).any():
            raise FeatureError(f"label {self.name!r}: values must be one finite number (or NaN) a scene")
        if self.kind not in ("class", "number"):
            raise FeatureError(f"label {self.name!r}: kind must be 'class' or 'number', got {self.kind!r}")
        if self.kind == "class" and not np.isin(values[~np.isnan(values)], (0, 1)).all():
            raise FeatureError(f"label {self.name!r}: a class is 0 or 1, got {np.unique(values)[:5]}")
        values.flags.writeable = False
        object.__setattr__(self, "values", values)

    def __repr__(self) -> str:
        known = self.values[~np.isnan(self.values)]
        what = f"true in {int(known.sum())}" if self.kind == "class" else f"mean {known.mean():.3g} {self.unit}".strip()
        return (
            f"Label({self.name!r}: {what} of {len(known)} scenes)" if len(known) else f"Label({self.name!r}: unknown)"
        )

    def select(self, rows: np.ndarray) -> Label:
        """The same for some of the scenes."""
        return Label(self.name, self.kind, self.values[rows], self.unit)


def labels(states: Sequence[GameState], names: str | Sequence[str] | None = None) -> list[Label]:
    """These variables (one, several, or all of `QUESTIONS`, if None) of each state.

    In states that a policy visits some are nearly always the same (a coin is in view at the end alone): then make
    scenes of both kinds, such as minimal pairs or `counterfactual_scenes`, and label those.

    Raises:
        FeatureError: a name that is none of `QUESTIONS`.
    """
    wanted = tuple(QUESTIONS) if names is None else (names,) if isinstance(names, str) else tuple(names)
    for name in wanted:
        if name not in QUESTIONS:
            raise FeatureError(f"there is no label {name!r}{nearest(name, QUESTIONS)}")
    found = []
    for name in wanted:
        kind, unit, answer = QUESTIONS[name]
        found.append(Label(name, kind, np.array([answer(state) for state in states], np.float64), unit))
    return found


def _coin_in_view(state: GameState) -> float:
    return bool(camera.coins_in_view(state, camera.FRAME))


def _coin_offset(state: GameState) -> float:
    """Columns from the agent to the coin, positive to the right; NaN where no coin is in view."""
    cells = camera.coins_in_view(state, camera.FRAME)
    if not cells:
        return np.nan
    row, column = cells[0]
    x, _ = camera.Camera.of(state).world(row + 0.5, column + 0.5)
    return x - state.agent_xy[0]


def _coin_on_the_right(state: GameState) -> float:
    offset = _coin_offset(state)
    return np.nan if np.isnan(offset) or abs(offset) < 0.5 else float(offset > 0)


def _end_distance(state: GameState) -> float:
    return geometry.end_x(state) + 1 - state.agent_xy[0]


def _hazard_ahead(state: GameState) -> float:
    x, y = geometry.agent_cell(state)
    return any(0 < h.cell[0] - x <= AHEAD and abs(h.cell[1] - y) <= 1 for h in geometry.hazards(state))


QUESTIONS: dict[str, tuple[Kind, str, Callable[[GameState], float]]] = {
    "coin in view": ("class", "", _coin_in_view),
    "coin on the right": ("class", "", _coin_on_the_right),
    "coin offset": ("number", "columns", _coin_offset),
    "end wall in view": ("class", "", lambda state: _end_distance(state) < HALF_VIEW),
    "distance to the end wall": ("number", "columns", _end_distance),
    "agent x": ("number", "columns", lambda state: state.agent_xy[0]),
    "hazard ahead": ("class", "", _hazard_ahead),
}
"""Name -> kind, unit, and how a state answers."""
