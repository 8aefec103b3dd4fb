"""What can go wrong with a policy and be mended by who uses it."""

from __future__ import annotations

from collections.abc import Sequence

from mechinterp.errors import MechinterpError, nearest


class PolicyError(MechinterpError, ValueError):
    """A policy was asked for something that it cannot do; the message says what would be right."""


class UnknownHook(MechinterpError, LookupError):
    """A name that is no hook point of the policy; the message lists the nearest ones."""

    def __init__(self, unknown: Sequence[str], known: Sequence[str]) -> None:
        self.unknown, self.known = tuple(unknown), tuple(known)
        super().__init__(
            "; and ".join(f"no hook point {name!r} in this policy{nearest(name, known)}" for name in unknown)
        )


class EmptySelection(PolicyError):
    """A selection that matches no hook point, which would give an empty cache."""


class CheckpointError(MechinterpError):
    """A file that is no usable checkpoint; the message names the file and what is wrong with it."""
