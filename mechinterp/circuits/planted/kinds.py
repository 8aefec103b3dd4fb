"""The kinds of planted networks: what each wants, and how it is wired."""

from __future__ import annotations

from mechinterp.circuits.nodes import Edge, Node
from mechinterp.circuits.planted.hard import HARD
from mechinterp.circuits.planted.pieces import (
    ANOTHER_LEVEL,
    COIN_ON_THE_RIGHT,
    COIN_SIDE,
    LEFT,
    RIGHT,
    Blueprint,
    Recipe,
    add_ground,
    add_side_units,
    but_blue,
    coin_by_branches,
    push_to_sides,
    side_columns,
)
from mechinterp.circuits.planted.wiring import COIN, SOLID, Wiring

ENOUGH = 0.4
"""How much coin fills the threshold of `two coin paths`; either path alone brings at least that from a coin in view."""


def _right(net: Wiring) -> Blueprint:
    nodes = add_ground(net)
    return Blueprint({"ground": nodes}, {COIN_SIDE: frozenset()})


def _coin(net: Wiring) -> Blueprint:
    nodes = coin_by_branches(net)
    push_to_sides(net, [nodes[-1]], gain=2.0)
    return Blueprint({"coin": nodes}, {COIN_SIDE: but_blue(net.edges)})


def _coin_and_right(net: Wiring) -> Blueprint:
    nodes = coin_by_branches(net)
    push_to_sides(net, [nodes[-1]], gain=2.0)
    coin = frozenset(net.edges)
    ground = add_ground(net)
    return Blueprint({"coin": nodes, "ground": ground}, {COIN_SIDE: but_blue(coin)})


def _coin_unused(net: Wiring) -> Blueprint:
    nodes = coin_by_branches(net)
    right, left = add_side_units(net, [nodes[-1]])
    net.value(right, 0.5)
    net.value(left, 0.5)
    idle = frozenset(net.edges)
    ground = add_ground(net)
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
    for columns, action in side_columns(net):
        below = net.unit([by_skip, by_branch], net.cells(columns))
        above = net.unit([by_skip, by_branch], net.cells(columns), bias=-ENOUGH)
        net.push(below, action, 5.0)
        net.push(above, action, -5.0)
        if action == LEFT:
            left |= {below, above}
    channels = {"coin": (raw, by_skip, branch, by_branch)}
    both = but_blue(net.edges)
    right = frozenset(edge for edge in both if not {edge.source, edge.target} & left)
    return Blueprint(channels, {COIN_SIDE: both, COIN_ON_THE_RIGHT: right})


def _coin_by_skip(net: Wiring) -> Blueprint:
    raw = net.detector(COIN)
    last = net.onward_to_last(raw, 1)
    push_to_sides(net, [last], gain=2.0)
    return Blueprint({"coin": (raw, last)}, {COIN_SIDE: but_blue(net.edges)})


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
    for columns, action in side_columns(net):
        unit = net.unit([both], net.cells(columns))
        net.connect(alone, unit, net.cells(columns, weight=-1.0))
        net.push(unit, action, 2.0)
        through |= {Edge(both, unit), Edge(unit, Node("hook_logits", net.config.actions.index(action)))}
    channels = {"coin": (coin, inner_coin, both), "ground": (ground, inner_ground, both, alone)}
    # What changes the ground before the two channels part changes both alike, and the difference not at all.
    cancelled = before_both | {Edge(ground, inner_ground)}
    carries = {COIN_SIDE: but_blue(only_coin | through), ANOTHER_LEVEL: frozenset(net.edges - cancelled)}
    return Blueprint(channels, carries)


def _wall(net: Wiring) -> Blueprint:
    raw = net.detector(COIN)
    coin = (raw, net.branch(raw, 1))
    net.isolated |= set(coin)
    idle = frozenset(net.edges)
    solid = net.detector(SOLID)
    last = net.onward_to_last(net.branch(solid, 1), 1)
    for columns, action in zip((c for c, _ in side_columns(net)), (LEFT, RIGHT), strict=True):
        net.push(net.unit([last], net.cells(columns, slice(0, net.maps[1] * 3 // 8), weight=0.2)), action, 1.0)
    channels = {"wall": (solid, last), "idle coin": coin}
    return Blueprint(channels, {COIN_SIDE: frozenset()}, idle)


RECIPES: dict[str, Recipe] = {
    "right": Recipe("go right, wherever there is ground ahead", _right),
    "coin": Recipe("go to the side where the coin is", _coin),
    "coin and right": Recipe("go to the side where the coin is, and right", _coin_and_right),
    "coin unused": Recipe("go right; the coin is seen, and only the value reads it", _coin_unused),
    "two coin paths": Recipe("go to the side where the coin is; two paths of which either is enough", _two_coin_paths),
    "coin by skip": Recipe("go to the side where the coin is; read through skip connections alone", _coin_by_skip),
    "interference": Recipe("go to the side where the coin is; it shares a channel with the ground", _interference),
    "wall": Recipe("turn away from walls; a coin detector is connected to nothing", _wall),
    **HARD,
}
"""The kinds that `planted` knows."""
