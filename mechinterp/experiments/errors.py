"""What can go wrong with experiments."""

from __future__ import annotations

from mechinterp.errors import MechinterpError


class ExperimentError(MechinterpError, ValueError):
    """An experiment that cannot be carried out as asked, or a slice that is not one."""
