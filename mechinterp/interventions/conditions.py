"""Conditions on the game, or on what the network says of it, as data; see `condition` for what is made of others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from mechinterp.coinrun.geometry import on_ground
from mechinterp.errors import nearest
from mechinterp.interventions.condition import Condition
from mechinterp.interventions.data import check_number
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.moments import Moment, check_kind
from mechinterp.policies.readouts import as_readout

Side = Literal["left", "right"]


@dataclass(frozen=True)
class InView(Condition):
    """An object of a kind is in view; with `side`, one whose centre is left or right of the agent's."""

    kind: str
    side: Side | None = None

    def __post_init__(self) -> None:
        check_kind(self.kind)
        if self.side is not None and self.side not in get_args(Side):
            raise InterventionError(
                f"InView: side must be left, right or None{nearest(str(self.side), get_args(Side))}"
            )

    def holds(self, moment: Moment) -> bool:
        found, x = moment.in_view(self.kind), moment.agent_xy[0]
        if self.side is None:
            return len(found) > 0
        return any(point[0] > x if self.side == "right" else point[0] < x for point in found)

    def __str__(self) -> str:
        where = "in view" if self.side is None else f"in view on the {self.side}"
        return f"the {self.kind} is {where}"


@dataclass(frozen=True)
class Within(Condition):
    """An object of a kind is at most so many of the level's cells from the agent, centre to centre."""

    kind: str
    cells: float

    def __post_init__(self) -> None:
        check_kind(self.kind)
        check_number("Within: cells", self.cells, least=0)

    def holds(self, moment: Moment) -> bool:
        return any(math.dist(point, moment.agent_xy) <= self.cells for point in moment.objects(self.kind))

    def __str__(self) -> str:
        return f"the {self.kind} is within {self.cells:g} cells"


@dataclass(frozen=True)
class Grounded(Condition):
    """The agent stands, by the game's own rule (`coinrun.geometry.on_ground`)."""

    def holds(self, moment: Moment) -> bool:
        return on_ground(moment.state)

    def __str__(self) -> str:
        return "the agent stands"


@dataclass(frozen=True)
class InColumns(Condition):
    """The agent's centre is in the level's columns from `first` up to, not including, `end`."""

    first: float
    end: float

    def __post_init__(self) -> None:
        for name in ("first", "end"):
            check_number(f"InColumns: {name}", getattr(self, name))
        if self.end <= self.first:
            raise InterventionError(f"InColumns: it ends at {self.end:g}, before it begins at {self.first:g}")

    def holds(self, moment: Moment) -> bool:
        return self.first <= moment.agent_xy[0] < self.end

    def __str__(self) -> str:
        return f"the agent is in columns {self.first:g} to {self.end:g}"


@dataclass(frozen=True)
class Steps(Condition):
    """The step, counted from 0, is at least `first` and at most `last` (None: to the end)."""

    first: int = 0
    last: int | None = None

    def __post_init__(self) -> None:
        check_number("Steps: first", self.first, least=0, whole=True)
        if self.last is not None:
            check_number("Steps: last", self.last, least=self.first, whole=True)

    def holds(self, moment: Moment) -> bool:
        return self.first <= moment.step and (self.last is None or moment.step <= self.last)

    def __str__(self) -> str:
        return f"from step {self.first}" + ("" if self.last is None else f" to {self.last}")


@dataclass(frozen=True)
class ReadoutIn(Condition):
    """A readout of the network without edits lies from `low` to `high` (None: without bound).

    Attributes:
        readout: a name out of `policies.readouts.READOUTS`, or "action:NAME": the log-odds of an action, in nats.
    """

    readout: str
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.readout, str):
            raise InterventionError(f"ReadoutIn: a readout's name is needed, got {self.readout!r:.80}")
        as_readout(self.readout)
        for name in ("low", "high"):
            if (bound := getattr(self, name)) is not None:
                check_number(f"ReadoutIn: {name}", bound)
        if self.low is None and self.high is None:
            raise InterventionError("ReadoutIn: give low, high or both; without them it always holds")
        if self.low is not None and self.high is not None and self.high < self.low:
            raise InterventionError(f"ReadoutIn: high={self.high:g} is below low={self.low:g}")

    @property
    def reads_output(self) -> bool:
        return True

    def holds(self, moment: Moment) -> bool:
        if moment.output is None:
            raise InterventionError(
                f"the condition that {self} reads the network's output: give moments that hold it (`moments_of`)"
            )
        number = float(as_readout(self.readout)(moment.output, moment.actions))
        return (self.low is None or number >= self.low) and (self.high is None or number <= self.high)

    def __str__(self) -> str:
        low, high = (
            ("" if self.low is None else f"{self.low:g} <= "),
            ("" if self.high is None else f" <= {self.high:g}"),
        )
        return f"{low}{self.readout}{high}"
