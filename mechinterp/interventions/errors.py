"""What can go wrong with an edit of a network and be mended by who wrote it."""

from __future__ import annotations

from mechinterp.errors import MechinterpError


class InterventionError(MechinterpError, ValueError):
    """An edit that does not fit the network or the batch; the message names the hook point and what would be right."""
