"""The kinds of planted networks: what each wants, and how it is wired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mechinterp.circuits.nodes import Edge, Node
from mechinterp.circuits.planted.wiring import COIN, SOLID, Wiring

LEFT, RIGHT = 1, 7
COIN_SIDE, COIN_ON_THE_RIGHT, ANOTHER_LEVEL = "coin side", "coin on the right", "another level"
"""Two kinds of minimal pairs of `coinrun.scenes`; and pairs of frames of different levels, with a coin in view, in
which everything that is connected to movement shows."""
ENOUGH = 0.4
"""How much coin fills the threshold of `two coin paths`; either path alone brings at least that from a coin in view."""


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


def _right(net: Wiring) -> Blueprint:
    ground = _ground(net)
    return Blueprint({"ground": ground}, {COIN_SIDE: frozenset()})


def _coin(net: Wiring) -> Blueprint:
    nodes = _coin_by_branches(net)
    _sides(net, [nodes[-1]], gain=2.0)
    return Blueprint({"coin": nodes}, {COIN_SIDE: _but_blue(net.edges)})


def _coin_and_right(net: Wiring) -> Blueprint:
    nodes = _coin_by_branches(net)
    _sides(net, [nodes[-1]], gain=2.0)
    coin = frozenset(net.edges)
    ground = _ground(net)
    return Blueprint({"coin": nodes, "ground": ground}, {COIN_SIDE: _but_blue(coin)})


def _coin_unused(net: Wiring) -> Blueprint:
    nodes = _coin_by_branches(net)
    right, left = _side_units(net, [nodes[-1]])
    net.value(right, 0.5)
    net.value(left, 0.5)
    idle = frozenset(net.edges)
    ground = _ground(net)
    return Blueprint({"idle coin": (*nodes, right, left), "ground": ground}, {COIN_SIDE: frozenset()}, idle)


def _two_coin_paths(net: Wiring) -> Blueprint:
    """min(a + b, ENOUGH) on each side, as relu(a + b) - relu(a + b - ENOUGH): either path does for both.

    They are redundant where a coin in the one frame is missing from the other. Where it changes sides, a path that is
    moved alone fills the other side too, and neither backs the other up.
    """
    raw = net.detector(COIN)
    by_skip = net.onward_to_last(raw, 1)
    branch = net.branch(raw, 1)
    by_branch = net.onward_to_last(branch, 1)
    left: set[Node] = set()
    for columns, action in _columns(net):
        below = net.unit([by_skip, by_branch], net.cells(columns))
        above = net.unit([by_skip, by_branch], net.cells(columns), bias=-ENOUGH)
        net.push(below, action, 5.0)
        net.push(above, action, -5.0)
        if action == LEFT:
            left |= {below, above}
    channels = {"coin": (raw, by_skip, branch, by_branch)}
    both = _but_blue(net.edges)
    right = frozenset(edge for edge in both if not {edge.source, edge.target} & left)
    return Blueprint(channels, {COIN_SIDE: both, COIN_ON_THE_RIGHT: right})


def _coin_by_skip(net: Wiring) -> Blueprint:
    raw = net.detector(COIN)
    last = net.onward_to_last(raw, 1)
    _sides(net, [last], gain=2.0)
    return Blueprint({"coin": (raw, last)}, {COIN_SIDE: _but_blue(net.edges)})


def _interference(net: Wiring) -> Blueprint:
    """One channel holds coin + ground, another ground alone; the hidden layer takes the difference."""
    coin = net.onward_to_last(net.branch(net.detector(COIN), 1), 1)
    only_coin = frozenset(net.edges)
    ground = net.onward_to_last(net.branch(net.detector(SOLID), 1), 1)
    before_both = net.edges - only_coin
    last = f"block{net.blocks}.res1"
    inner_coin = net.connect(coin, net.new(f"{last}.hook_conv1"), 1.0)
    inner_ground = net.connect(ground, net.new(f"{last}.hook_conv1"), 1.0)
    both, alone = net.new(f"{last}.hook_branch"), net.new(f"{last}.hook_branch")
    for source, target in ((inner_coin, both), (inner_ground, both), (inner_ground, alone)):
        net.connect(source, target, 1.0)
    through = {Edge(coin, inner_coin), Edge(inner_coin, both)}
    for columns, action in _columns(net):
        unit = net.unit([both], net.cells(columns))
        net.connect(alone, unit, net.cells(columns, weight=-1.0))
        net.push(unit, action, 2.0)
        through |= {Edge(both, unit), Edge(unit, Node("hook_logits", net.config.actions.index(action)))}
    channels = {"coin": (coin, inner_coin, both), "ground": (ground, inner_ground, both, alone)}
    # What changes the ground before the two channels part changes both alike, and the difference not at all.
    cancelled = before_both | {Edge(ground, inner_ground)}
    carries = {COIN_SIDE: _but_blue(only_coin | through), ANOTHER_LEVEL: frozenset(net.edges - cancelled)}
    return Blueprint(channels, carries)


def _wall(net: Wiring) -> Blueprint:
    raw = net.detector(COIN)
    coin = (raw, net.branch(raw, 1))
    net.isolated |= set(coin)
    idle = frozenset(net.edges)
    solid = net.detector(SOLID)
    last = net.onward_to_last(net.branch(solid, 1), 1)
    for columns, action in zip((c for c, _ in _columns(net)), (LEFT, RIGHT), strict=True):
        net.push(net.unit([last], net.cells(columns, slice(0, net.maps[1] * 3 // 8), weight=0.2)), action, 1.0)
    channels = {"wall": (solid, last), "idle coin": coin}
    return Blueprint(channels, {COIN_SIDE: frozenset()}, idle)


def _coin_by_branches(net: Wiring) -> tuple[Node, ...]:
    """A clean coin channel of the last block, that came through a branch of the first block and one of the last."""
    raw = net.detector(COIN)
    first = net.branch(raw, 1)
    onward = net.onward_to_last(first, 1)
    return raw, first, onward, net.branch(onward, net.blocks)


def _ground(net: Wiring) -> tuple[Node, ...]:
    """Goes right, more so where there is ground ahead: reads rows that lie below any coin at the agent's feet."""
    solid = net.detector(SOLID)
    first = net.branch(solid, 1)
    last = net.onward_to_last(first, 1)
    (columns, action), _ = _columns(net)
    unit = net.unit([last], net.cells(columns, slice(net.maps[1] * 3 // 4, None), weight=0.3))
    net.push(unit, action, 1.0)
    net.lean(action, 1.0)
    return solid, first, last, unit


def _sides(net: Wiring, sources: list[Node], *, gain: float) -> None:
    for unit, (_, action) in zip(_side_units(net, sources), _columns(net), strict=True):
        net.push(unit, action, gain)


def _side_units(net: Wiring, sources: list[Node]) -> tuple[Node, Node]:
    right, left = (net.unit(sources, net.cells(columns)) for columns, _ in _columns(net))
    return right, left


def _columns(net: Wiring) -> tuple[tuple[slice, int], tuple[slice, int]]:
    """Columns of the last map right of the agent, who is always in the middle, and left of it, with their actions."""
    middle = net.maps[2] // 2
    return (slice(middle + 1, None), RIGHT), (slice(0, middle), LEFT)


def _but_blue(edges: set[Edge] | frozenset[Edge]) -> frozenset[Edge]:
    """A coin has next to no blue in it and neither has the sky: that edge keeps other things out."""
    return frozenset(edge for edge in edges if edge.source != Node("hook_input", 2))


RECIPES: dict[str, Recipe] = {
    "right": Recipe("go right, wherever there is ground ahead", _right),
    "coin": Recipe("go to the side where the coin is", _coin),
    "coin and right": Recipe("go to the side where the coin is, and right", _coin_and_right),
    "coin unused": Recipe("go right; the coin is seen, and only the value reads it", _coin_unused),
    "two coin paths": Recipe("go to the side where the coin is; two paths of which either is enough", _two_coin_paths),
    "coin by skip": Recipe("go to the side where the coin is; read through skip connections alone", _coin_by_skip),
    "interference": Recipe("go to the side where the coin is; it shares a channel with the ground", _interference),
    "wall": Recipe("turn away from walls; a coin detector is connected to nothing", _wall),
}
"""The kinds that `planted` knows."""
