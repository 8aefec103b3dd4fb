"""What can go wrong with results and reports."""

from __future__ import annotations

from mechinterp.errors import MechinterpError


class ResultsError(MechinterpError):
    """Results that are not what the schema says: foreign, cut off, incomplete, or with a number that is no Estimate."""
