"""What can go wrong in the study of a circuit and be mended by who asked for it."""

from __future__ import annotations

from mechinterp.errors import MechinterpError
from mechinterp.stats import UndefinedRatio


class CircuitError(MechinterpError, ValueError):
    """Sites, pairs, options or parts of a circuit that do not fit; the message says what would be right."""


class ZeroEffect(CircuitError, UndefinedRatio):
    """Pairs whose two runs do not differ in the metric: there is nothing to normalise by.

    Attributes:
        pairs: their positions.
    """

    def __init__(self, message: str, *, pairs: tuple[int, ...]) -> None:
        super().__init__(message)
        self.pairs = pairs


class BudgetTooSmall(CircuitError):
    """A memory budget that not even one pair and one patch fit into.

    Attributes:
        budget, needed: bytes.
    """

    def __init__(self, *, budget: int, needed: int, what: str) -> None:
        super().__init__(
            f"a memory budget of {budget:,} bytes cannot hold {what}, which needs {needed:,} bytes; "
            f"give at least that (memory={needed})"
        )
        self.budget, self.needed = budget, needed
