"""The parts of a policy's graph, and what can be told from the graph alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor

FRAME = 64
"""Side of an observation in pixels."""
OBSERVATION = "observation"
"""What the first node names as its input."""
LOGITS, VALUE = "hook_logits", "hook_value"


@dataclass(frozen=True)
class Node:
    """One activation.

    Attributes:
        name: full name of its hook point, for example `block1.res1.hook_out`.
        module: dotted path of the module that computes it.
        inputs: names of the nodes that the module takes, in order (`OBSERVATION` for the frames).
    """

    name: str
    module: str
    inputs: tuple[str, ...]


class PolicyOutput(NamedTuple):
    """What a policy says about a batch of observations.

    Attributes:
        logits: one column for each entry of `policy.actions`, unnormalised log-probabilities in nats.
        value: expected discounted return, in the units of the reward that the policy was trained on.
        state: what a recurrent policy carries to the next step; None for a feed-forward one.
    """

    logits: Float[Tensor, "batch actions"]
    value: Float[Tensor, " batch"]
    state: Any = None


class Captured(NamedTuple):
    """The output of a forward pass and the values of some of its nodes (owned copies, detached)."""

    output: PolicyOutput
    values: dict[str, Tensor]


def frontier(nodes: Sequence[Node], start: int, stop: int) -> tuple[str, ...]:
    """Names whose values are needed to run the nodes after position `start` up to `stop`, or, past the end, the output.

    They are the node at `start` and each earlier node that a later one reads, in running order.
    """
    needed = {nodes[start].name, *(read for node in nodes[start + 1 : stop + 1] for read in node.inputs)}
    if stop >= len(nodes):
        needed |= {LOGITS, VALUE}
    return tuple(node.name for node in nodes[: start + 1] if node.name in needed)


def last_uses(nodes: Sequence[Node]) -> dict[str, int]:
    """Position of the last node that reads each value; past the end for what the output reads."""
    last = {read: position for position, node in enumerate(nodes) for read in node.inputs}
    return {**last, LOGITS: len(nodes), VALUE: len(nodes)}
