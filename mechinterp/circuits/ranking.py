"""What every way of finding a circuit gives: a score for each candidate, and with it circuits of any size."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from mechinterp.circuits.circuit import Circuit, Part
from mechinterp.circuits.errors import CircuitError
from mechinterp.stats import Estimate, areas


@dataclass(frozen=True)
class Match:
    """What two sets of parts have in common, and where they differ.

    Attributes:
        shared: parts of both, sorted.
        only_one, only_other: parts of the one alone, and of the other.
    """

    shared: tuple[Part, ...]
    only_one: tuple[Part, ...]
    only_other: tuple[Part, ...]

    @property
    def precision(self) -> float:
        """Shared, of the one's (where the other is the truth)."""
        return len(self.shared) / (len(self.shared) + len(self.only_one))

    @property
    def recall(self) -> float:
        """Shared, of the other's."""
        return len(self.shared) / (len(self.shared) + len(self.only_other))

    @property
    def jaccard(self) -> float:
        """Shared, of all that are in either."""
        return len(self.shared) / (len(self.shared) + len(self.only_one) + len(self.only_other))

    def __str__(self) -> str:
        lines = [f"{len(self.shared)} shared, Jaccard {self.jaccard:.2f}"]
        for words, parts in (("only in the one", self.only_one), ("only in the other", self.only_other)):
            lines += [f"{words}: {', '.join(map(str, parts))}"] if parts else []
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class Ranking:
    """Candidates with scores: the higher, the more they belong to the circuit.

    Attributes:
        method: how the scores were made.
        parts: the candidates, in running order.
        scores: one for each.
        empty: the circuit of none of them: policy, universe and ablation of all circuits made from this.
        agreement: of approximate scores, their rank correlation with exact patching, one for each direction taken.
    """

    method: str
    parts: tuple[Part, ...]
    scores: Float64[np.ndarray, " parts"]
    empty: Circuit
    agreement: tuple[Estimate, ...] = ()

    def __post_init__(self) -> None:
        scores = np.array(self.scores, np.float64)
        if scores.shape != (len(self.parts),) or not np.isfinite(scores).all():
            raise CircuitError(f"a ranking needs a finite score for each of {len(self.parts)} parts")
        scores.flags.writeable = False
        object.__setattr__(self, "scores", scores)

    @property
    def order(self) -> Int64[np.ndarray, " parts"]:
        """Positions of the parts, best first."""
        return np.argsort(-self.scores, kind="stable")

    def circuit(self, size: int) -> Circuit:
        """The best `size` parts. Raises CircuitError for more than there are."""
        if not 0 <= size <= len(self.parts):
            raise CircuitError(f"a circuit of {size} parts out of {len(self.parts)} candidates")
        return self._of(sorted(self.order[:size].tolist()))

    def above(self, threshold: float) -> Circuit:
        """The parts with a higher score than this."""
        return self._of(np.flatnonzero(self.scores > threshold).tolist())

    def auroc(self, truth: Collection[Part], *, undecided: Collection[Part] = ()) -> float:
        """The chance that a true part is ranked above another one, ties counting half.

        Args:
            truth: the parts that belong to the circuit.
            undecided: parts that count neither way.

        Raises:
            CircuitError: nothing is true, or everything, or a true part is no candidate.
        """
        if missing := set(truth) - set(self.parts):
            raise CircuitError(f"{len(missing)} true parts are no candidates, for example {next(iter(missing))}")
        kept = [i for i, part in enumerate(self.parts) if part in truth or part not in undecided]
        true = np.array([self.parts[i] in truth for i in kept])
        if true.all() or not true.any():
            raise CircuitError("an area under the ROC needs true parts and others")
        scores = self.scores[kept][:, None]
        return float(areas(scores[true], scores[~true])[0])

    def _of(self, positions: Iterable[int]) -> Circuit:
        return self.empty.with_parts(self.parts[i] for i in positions)


def compare(one: Circuit | Collection[Part], other: Circuit | Collection[Part]) -> Match:
    """What two circuits, or sets of parts, share, and which parts only one of them has.

    Raises:
        CircuitError: one of them is empty, so that a share of it would be 0 / 0, one has nodes and the other edges, or
            the two are circuits of different policies (of which channel 3 need have nothing in common; compare
            `Circuit.parts` for two that share their channels, such as two stages of one training).
    """
    if isinstance(one, Circuit) and isinstance(other, Circuit) and one.policy != other.policy:
        raise CircuitError(
            f"circuits of different policies, {one.policy} and {other.policy}: their channels need have nothing in "
            "common; give the .parts of both if they do"
        )
    a, b = ({*(side.parts if isinstance(side, Circuit) else side)} for side in (one, other))
    if not a or not b:
        raise CircuitError("an empty circuit has no share in common with another one")
    if len({type(part) for part in a | b}) > 1:
        raise CircuitError("nodes can be compared with nodes, and edges with edges; `Circuit.nodes` are an edge's ends")
    return Match(*(tuple(sorted(parts, key=str)) for parts in (a & b, a - b, b - a)))
