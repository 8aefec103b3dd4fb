"""What planted kinds are put together from: coin detectors, units on either side, ground, and the plan of a circuit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mechinterp.circuits.nodes import Edge, Node
from mechinterp.circuits.planted.wiring import COIN, SOLID, Wiring

LEFT, RIGHT, JUMP = 1, 7, 5
COIN_SIDE, COIN_ON_THE_RIGHT, ANOTHER_LEVEL = "coin side", "coin on the right", "another level"
"""Two kinds of minimal pairs of `coinrun.scenes`; and pairs of frames of different levels, with a coin in view, in
which everything that is connected to movement shows."""
COIN_SIDE_AND_LAVA = "coin side x lava"
"""The interaction in a 2 x 2 scene: the effect of the coin's side with lava in view, minus that without."""


@dataclass(frozen=True)
class Recipe:
    """A kind of planted network.

    Attributes:
        wants: what it does, in words.
        wire: puts the circuit into an empty network and says what it put where.
    """

    wants: str
    wire: Callable[[Wiring], Blueprint]


@dataclass(frozen=True)
class Blueprint:
    """What a recipe put in.

    Attributes:
        channels: what is represented -> the nodes that carry it.
        carries: variable -> the edges that carry its effect on movement; by `another level`, all that
            are not idle, unless said otherwise.
        idle: edges that lead to nothing that moves the agent.
    """

    channels: dict[str, tuple[Node, ...]]
    carries: dict[str, frozenset[Edge]]
    idle: frozenset[Edge] = frozenset()


def coin_by_branches(net: Wiring) -> tuple[Node, ...]:
    """A clean coin channel of the last block, that came through a branch of the first block and one of the last."""
    raw = net.detector(COIN)
    first = net.branch(raw, 1)
    onward = net.onward_to_last(first, 1)
    return raw, first, onward, net.branch(onward, net.blocks)


def add_ground(net: Wiring) -> tuple[Node, ...]:
    """Goes right, more so where there is ground ahead: reads rows that lie below any coin at the agent's feet."""
    solid = net.detector(SOLID)
    first = net.branch(solid, 1)
    last = net.onward_to_last(first, 1)
    (columns, action), _ = side_columns(net)
    unit = net.unit([last], net.cells(columns, slice(net.maps[1] * 3 // 4, None), weight=0.3))
    net.push(unit, action, 1.0)
    net.lean(action, 1.0)
    return solid, first, last, unit


def push_to_sides(net: Wiring, sources: list[Node], *, gain: float) -> None:
    for unit, (_, action) in zip(add_side_units(net, sources), side_columns(net), strict=True):
        net.push(unit, action, gain)


def add_side_units(net: Wiring, sources: list[Node]) -> tuple[Node, Node]:
    right, left = (net.unit(sources, net.cells(columns)) for columns, _ in side_columns(net))
    return right, left


def side_columns(net: Wiring) -> tuple[tuple[slice, int], tuple[slice, int]]:
    """Columns of the last map right of the agent, who is always in the middle, and left of it, with their actions."""
    middle = net.maps[2] // 2
    return (slice(middle + 1, None), RIGHT), (slice(0, middle), LEFT)


def but_blue(edges: set[Edge] | frozenset[Edge]) -> frozenset[Edge]:
    """A coin has next to no blue in it and neither has the sky: that edge keeps other things out."""
    return frozenset(edge for edge in edges if edge.source != Node("hook_input", 2))
