"""Effects in every pair: the numbers behind `Effects`, which adds intervals and tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped

from mechinterp.circuits.arrays import freeze
from mechinterp.circuits.errors import CircuitError, ZeroEffect
from mechinterp.circuits.parts import part_from_plain, part_to_plain
from mechinterp.circuits.records import Record
from mechinterp.circuits.zero import SMALLEST
from mechinterp.errors import nearest
from mechinterp.interventions.edits import Edit

Direction = Literal["denoise", "noise"]
P = TypeVar("P")
"""What the effects are of: `Site`, `Edge`, `Route`, `Circuit`, ..."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class PairwiseEffects(Record, Generic[P]):
    """How much of the total effect each part carries, in every pair.

    Attributes:
        parts: sites, edges, routes or circuits.
        metrics: names.
        direction: `denoise`: from the corrupted run toward the clean one (is the part sufficient?); `noise`: from the
            clean run toward the corrupted one (is it necessary?).
        replacement: what was put in (around a circuit: in place of everything outside), for all parts or for each:
            `counterfactual` (the other run's values), `cache` (those of a run of the caller's), `mean`, `zero`,
            `resample`, or the kind of an edit.
        values: the effect, in the metric's unit: the part of the total that went along.
        start: metric of the run in which no part is changed; of circuits, of that with everything ablated.
        goal: metric of the run whose effect is to be carried; of circuits, of the whole network.
        levels: the level of each pair: the cluster that counts as one sample.
    """

    parts: tuple[P, ...]
    metrics: tuple[str, ...]
    direction: Direction
    replacement: str | tuple[str, ...]
    values: Float64[np.ndarray, "metrics parts pairs"]
    start: Float64[np.ndarray, "metrics pairs"]
    goal: Float64[np.ndarray, "metrics pairs"]
    levels: Int64[np.ndarray, " pairs"]

    WHAT: ClassVar[str] = "effects"

    def __post_init__(self) -> None:
        pairs = len(self.levels)
        shapes = {"values": (len(self.metrics), len(self.parts), pairs)}
        shapes |= dict.fromkeys(("start", "goal"), (len(self.metrics), pairs))
        freeze(self, shapes)
        if self.direction not in ("denoise", "noise"):
            raise CircuitError(f"direction must be 'denoise' or 'noise', got {self.direction!r}")
        if not isinstance(self.replacement, str) and len(self.replacement) != len(self.parts):
            raise CircuitError(f"{len(self.parts)} parts and {len(self.replacement)} replacements")

    def __len__(self) -> int:
        return len(self.parts)

    def __repr__(self) -> str:
        levels = len(np.unique(self.levels))
        metrics = ", ".join(self.metrics)
        size = f"{len(self)} parts, {metrics}, {self.direction}, {len(self.levels)} pairs of {levels} levels"
        return f"{type(self).__name__}({size})"

    # ---- numbers, pair by pair ---------------------------------------------------------------------------------

    @property
    def labels(self) -> tuple[str, ...]:
        """Each part as text, with what was put in where that is not the same for all."""
        plain = isinstance(self.replacement, str)
        return tuple(
            str(part) if plain or isinstance(part, Edit) or name == "counterfactual" else f"{part} from {name}"
            for part, name in zip(self.parts, self.replacements, strict=True)
        )

    @property
    def replacements(self) -> tuple[str, ...]:
        """What was put in at each part."""
        return (self.replacement,) * len(self) if isinstance(self.replacement, str) else self.replacement

    @property
    def run(self) -> Float64[np.ndarray, "metrics parts pairs"]:
        """The metrics themselves, of the run in which each part is changed."""
        return self.start[:, None] + self._sign * self.values

    def total(self, metric: str | None = None) -> Float64[np.ndarray, " pairs"]:
        """All that there is to carry: clean minus corrupted.

        Args:
            metric: may be left out where a single one was measured.
        """
        i = self.index(metric)
        return self._sign * (self.goal[i] - self.start[i])

    def effect(self, metric: str | None = None) -> Float64[np.ndarray, "parts pairs"]:
        """How much of `total` each part carries, in the metric's unit.

        When denoising, the metric of the changed run minus that of the corrupted run; when noising, that of the clean
        run minus that of the changed one.
        """
        return self.values[self.index(metric)]

    def scores(self, metric: str | None = None) -> Float64[np.ndarray, " parts"]:
        """The mean of `effect` over pairs."""
        return self.effect(metric).mean(1)

    def usable(self, metric: str | None = None, *, smallest: float = SMALLEST) -> Bool[np.ndarray, " pairs"]:
        """Pairs whose total effect is larger than `smallest` in size, so that one may divide by it."""
        return np.abs(self.total(metric)) > smallest

    def normalised(
        self, metric: str | None = None, *, smallest: float = SMALLEST
    ) -> Float64[np.ndarray, "parts pairs"]:
        """`effect` as a share of each pair's own `total`: 0 nothing, 1 all. `shares` is steadier: it divides means.

        Raises:
            ZeroEffect: some pairs have no total effect; `select(usable(metric))` leaves them out.
        """
        usable, name = self.usable(metric, smallest=smallest), self.metrics[self.index(metric)]
        if not usable.all():
            pairs = tuple(np.flatnonzero(~usable).tolist())
            raise ZeroEffect(
                f"{len(pairs)} of {len(usable)} pairs have no effect on {name!r} (|clean - corrupted| <= "
                f"{smallest:g}; pairs {list(pairs[:10])}), so there is nothing to normalise by; leave them out with "
                f"effects.select(effects.usable({name!r})), and say so",
                pairs=pairs,
            )
        return self.effect(metric) / self.total(metric)

    # ---- some of the pairs, some of the parts ------------------------------------------------------------------

    def select(self, pairs: Shaped[np.ndarray, " chosen"]) -> Self:
        """The same for some of the pairs, by mask or positions.

        Raises:
            CircuitError: something else than these, a position that is not there, or no pairs.
        """
        count = len(self.levels)
        chosen = np.asarray(pairs)
        if not (
            chosen.size == 0
            or (chosen.dtype == np.bool_ and chosen.shape == (count,))
            or (chosen.dtype.kind in "iu" and chosen.ndim == 1 and -count <= chosen.min() and chosen.max() < count)
        ):
            raise CircuitError(
                f"select: give a mask of the {count} pairs, or positions among them, such as "
                f"effects.usable({self.metrics[0]!r}); got {pairs!r:.80}"
            )
        rows = np.arange(count)[chosen] if chosen.size else chosen
        if not rows.size:
            raise CircuitError(f"select: none of the {count} pairs was chosen, and there are no effects of no pairs")
        return dataclasses.replace(
            self,
            values=self.values[:, :, rows],
            start=self.start[:, rows],
            goal=self.goal[:, rows],
            levels=self.levels[rows],
        )

    def only(self, parts: Iterable[int | str | P]) -> Self:
        """The same for some of the parts, in this order: by position, by label, or the parts themselves."""
        if not isinstance(parts, Iterable) or isinstance(parts, str):
            raise CircuitError(f"only: give a list of positions, labels or parts, such as [0]; got {parts!r:.80}")
        chosen = [self.position(part) for part in parts]
        given = self.replacement
        return dataclasses.replace(
            self,
            parts=tuple(self.parts[i] for i in chosen),
            values=self.values[:, chosen],
            replacement=given if isinstance(given, str) else tuple(given[i] for i in chosen),
        )

    def ranking(self, metric: str | None = None) -> Int64[np.ndarray, " parts"]:
        """Positions of the parts, that with the largest mean effect (in size) first."""
        return np.argsort(-np.abs(self.scores(metric)), kind="stable")

    def top(self, k: int = 10, metric: str | None = None) -> Self:
        """The `k` parts with the largest mean effects (in size), largest first.

        Which they are is chosen on these very pairs: measure them again on other levels before reporting them.
        """
        if not hasattr(k, "__index__") or k < 1:
            raise CircuitError(f"top: at least 1 part, as a whole number, got {k!r:.80}")
        return self.only(self.ranking(metric)[:k].tolist())

    def to_dict(self) -> dict[str, Any]:
        """As plain values that `json` writes."""
        data: dict[str, Any] = {"metrics": list(self.metrics), "direction": self.direction}
        data["replacement"] = self.replacement if isinstance(self.replacement, str) else list(self.replacement)
        data["parts"] = [part_to_plain(part) for part in self.parts]
        return data | {name: getattr(self, name).tolist() for name in ("values", "start", "goal", "levels")}

    @classmethod
    def _from_dict(cls, data: dict[str, Any]) -> Self:
        given = data["replacement"]
        data["replacement"] = given if isinstance(given, str) else tuple(given)
        data["parts"] = tuple(part_from_plain(part) for part in data["parts"])
        data["metrics"] = tuple(data["metrics"])
        data["levels"] = np.array(data["levels"], np.int64)
        return cls(**data)

    def index(self, metric: str | None = None) -> int:
        """Position of a metric. Raises CircuitError for one that was not measured, or none where there are several."""
        if metric is None:
            if len(self.metrics) > 1:
                raise CircuitError(f"name one of the metrics {', '.join(map(repr, self.metrics))}")
            return 0
        if not isinstance(metric, str):
            raise CircuitError(f"a metric is named by text, such as {self.metrics[0]!r}, got {metric!r}")
        if metric not in self.metrics:
            raise CircuitError(f"metric {metric!r} was not measured{nearest(metric, self.metrics)}")
        return self.metrics.index(metric)

    def position(self, part: int | str | P) -> int:
        """Position of a part, given as itself, by its label, or by its position.

        Raises:
            CircuitError: nothing of the kind was measured.
        """
        if hasattr(part, "__index__"):
            at = part.__index__()  # pyright: ignore[reportAttributeAccessIssue]
            if not -len(self) <= at < len(self):
                raise CircuitError(f"there is no part {at}; there are {len(self)}")
            return at % len(self)
        if part in self.parts:
            return self.parts.index(part)  # pyright: ignore[reportArgumentType]
        if str(part) in self.labels:
            return self.labels.index(str(part))
        raise CircuitError(f"{str(part)!r} was not measured{nearest(str(part), self.labels)}")

    @property
    def _sign(self) -> float:
        return 1.0 if self.direction == "denoise" else -1.0
