"""The parts that a circuit is made of: a channel of a hook point, and the influence of one upon another.

An **edge** goes from a channel that writes to a channel that reads it, without another writer in between. What writes,
and at the same time reads, are the outputs of the layers with weights:

- `hook_input` (only writes; its channels are red, green and blue),
- `block{i}.hook_conv`, the first convolution of each block,
- `block{i}.res{j}.hook_conv1` and `block{i}.res{j}.hook_branch`, the two convolutions of each residual branch,
- `hidden.hook_pre`, the linear layer (a channel is a hidden unit),
- `hook_logits` (a channel is a column of the logits) and `hook_value` (channel 0), which only read.

Between a writer and a reader there are only relu, pooling, sums with what other writers wrote, and flattening. Since a
skip connection passes its input on, whatever one writer adds to the residual stream is read by every later reader of
that block, and by the first reader of the next: `block1.hook_conv[0] -> block2.hook_conv[3]` is the edge through the
skip connections of block 1, `block1.res1.hook_conv1[1] -> block1.res1.hook_branch[0]` one inside a branch.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass

import numpy as np

from mechinterp.circuits.errors import CircuitError

_NODE = re.compile(r"^(?P<hook>[A-Za-z0-9_.]*hook_[A-Za-z0-9_]+)\[(?P<channel>\d+)\]$")
ARROW = " -> "


@dataclass(frozen=True, order=True)
class Node:
    """One channel of a map, or one feature of a row of numbers.

    Attributes:
        hook: full name of the hook point, for example `block1.res1.hook_branch`.
        channel: its position there, from 0.
    """

    hook: str
    channel: int

    def __post_init__(self) -> None:
        try:
            # Numpy's whole numbers are welcome; truth values are none, although Python counts with them.
            channel = -1 if isinstance(self.channel, bool | np.bool_) else operator.index(self.channel)
        except TypeError:
            channel = -1
        if channel < 0:
            raise CircuitError(
                f"the channel of a node at {self.hook!r} must be a whole number from 0: {self.channel!r}"
            )
        object.__setattr__(self, "channel", channel)

    def __str__(self) -> str:
        return f"{self.hook}[{self.channel}]"

    @classmethod
    def parse(cls, text: str) -> Node:
        """The inverse of `str`. Raises CircuitError for text of another form."""
        match = _NODE.match(text.strip())
        if match is None:
            raise CircuitError(f"{text!r} is no node; nodes are written like 'block1.res1.hook_branch[3]'")
        return cls(match["hook"], int(match["channel"]))


@dataclass(frozen=True, order=True)
class Edge:
    """What `source` writes and `target` reads, with no other writer in between."""

    source: Node
    target: Node

    def __str__(self) -> str:
        return f"{self.source}{ARROW}{self.target}"

    @classmethod
    def parse(cls, text: str) -> Edge:
        """The inverse of `str`. Raises CircuitError for text of another form."""
        ends = text.split(ARROW.strip())
        if len(ends) != 2:
            raise CircuitError(f"{text!r} is no edge; edges are written like 'hook_input[0] -> block1.hook_conv[3]'")
        return cls(Node.parse(ends[0]), Node.parse(ends[1]))
