"""`Route`: a way through the network from stop to stop."""

from __future__ import annotations

from dataclasses import dataclass

from mechinterp.circuits.nodes import ARROW, Node

Stop = Node | str
"""A channel, or, by its hook point alone, every channel of a layer."""


@dataclass(frozen=True)
class Route:
    """Stops from a writer to a reader, each reading the one before.

    A stop that reads a single layer may follow any earlier one: the layers that it reads in between are then passed
    whole (every channel), for example `block1.hook_conv[3] -> block2.res1.hook_branch[7]`, which goes through all of
    `block2.hook_conv` and `block2.res1.hook_conv1`.
    """

    stops: tuple[Stop, ...]

    def __str__(self) -> str:
        return ARROW.join(map(str, self.stops))

    @classmethod
    def parse(cls, text: str) -> Route:
        """From `block1.hook_conv[3] -> hidden.hook_pre[12] -> hook_logits`."""
        parts = [part.strip() for part in text.split(ARROW.strip())]
        return cls(tuple(Node.parse(part) if "[" in part else part for part in parts))
