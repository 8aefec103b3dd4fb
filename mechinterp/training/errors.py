"""What can go wrong with a training run and be mended by who starts it."""

from __future__ import annotations

from mechinterp.errors import MechinterpError


class TrainingError(MechinterpError):
    """A training run that cannot start, go on, or be saved."""
