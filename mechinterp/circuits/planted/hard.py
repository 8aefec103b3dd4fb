"""Kinds that a signed mean, or a pair of frames that differ in one thing, does not show.

A coin that does the same on either side cancels in the mean by side; paths that undo one another have no total effect;
a gate carries the same in both frames of a pair; and what is shut is as silent as what is not there.
"""

from __future__ import annotations

from mechinterp.circuits.nodes import Edge, Node
from mechinterp.circuits.planted.pieces import (
    ANOTHER_LEVEL,
    COIN_ON_THE_RIGHT,
    COIN_SIDE,
    COIN_SIDE_AND_LAVA,
    JUMP,
    RIGHT,
    Blueprint,
    Recipe,
    but_blue,
    coin_by_branches,
    push_to_sides,
    side_columns,
)
from mechinterp.circuits.planted.wiring import COIN, LAVA, SOLID, Wiring

_SHUT = 50.0
"""So much of what suppresses shuts a unit whatever else it reads."""


def _presence(net: Wiring) -> Blueprint:
    """A coin anywhere in view makes it go right, and jump: the same on either side."""
    nodes = coin_by_branches(net)
    unit = net.unit([nodes[-1]], net.cells(slice(None)))
    net.push(unit, RIGHT, 1.0)
    right = frozenset(net.edges)
    if JUMP in net.config.actions:
        net.push(unit, JUMP, 1.0)
    jump = frozenset(net.edges) - right
    return Blueprint({"coin": (*nodes, unit)}, {COIN_SIDE: frozenset(), COIN_ON_THE_RIGHT: but_blue(right)}, jump)


def _cancelling(net: Wiring) -> Blueprint:
    """Two paths of which one undoes what the other does, in every frame: no total effect.

    Every edge behind the fork shows it by itself; those before it move both paths, and nothing.
    """
    raw = net.detector(COIN)
    by_skip = net.onward_to_last(raw, 1)
    by_branch = net.onward_to_last(net.branch(raw, 1), 1)
    for nodes, gain in ((by_skip, 2.0), (by_branch, -2.0)):
        push_to_sides(net, [nodes], gain=gain)
    behind = frozenset(edge for edge in net.edges if edge.target != raw)
    return Blueprint({"coin": (raw, by_skip, by_branch)}, {COIN_SIDE: behind, ANOTHER_LEVEL: behind})


def _position(net: Wiring) -> Blueprint:
    """Only a coin near the agent counts: the last layer reads half of the columns on either side, the nearer ones."""
    nodes = coin_by_branches(net)
    middle, reach = net.maps[2] // 2, net.maps[2] // 4
    near = (slice(middle + 1, middle + 1 + reach), slice(middle - reach, middle))
    for columns, (_, action) in zip(near, side_columns(net), strict=True):
        net.push(net.unit([nodes[-1]], net.cells(columns)), action, 2.0)
    return Blueprint({"coin": nodes}, {COIN_SIDE: but_blue(net.edges)})


def _suppressing(net: Wiring) -> Blueprint:
    """Goes right where there is ground, unless a coin is in view, which shuts the unit that says so."""
    coin = coin_by_branches(net)
    before = frozenset(net.edges)
    solid = net.onward_to_last(net.branch(net.detector(SOLID), 1), 1)
    unit = net.unit([solid], net.cells(slice(None), slice(net.maps[1] * 3 // 4, None), weight=0.2))
    net.connect(coin[-1], unit, net.cells(slice(None), weight=-_SHUT))
    net.push(unit, RIGHT, 1.0)
    carries = before | {Edge(coin[-1], unit), Edge(unit, Node("hook_logits", net.config.actions.index(RIGHT)))}
    return Blueprint(
        {"coin": coin, "ground": (solid, unit)},
        {COIN_SIDE: frozenset(), COIN_ON_THE_RIGHT: but_blue(carries), ANOTHER_LEVEL: frozenset()},
    )


def _gated(net: Wiring) -> Blueprint:
    """Goes to the coin's side where there is lava in view, and nowhere without: coin AND lava.

    On each side a unit that reads the coin, less one that reads the coin and is shut by lava. The interaction is
    carried by the latter; the former adds the same with lava and without.
    """
    coin = coin_by_branches(net)
    detector, added = net.detector(LAVA), set()
    lava = net.onward_to_last(net.branch(detector, 1), 1)
    for columns, action in side_columns(net):
        always = net.unit([coin[-1]], net.cells(columns))
        without = net.unit([coin[-1]], net.cells(columns))
        net.connect(lava, without, net.cells(slice(None), weight=-_SHUT))
        net.push(always, action, 2.0)
        net.push(without, action, -2.0)
        added |= {always}
    # Lava is bright in red; without its green or its blue the gate would shut as well.
    silent = {Edge(Node("hook_input", colour), detector) for colour in (1, 2)}
    gate = frozenset(edge for edge in net.edges if not {edge.source, edge.target} & added) - silent
    carries = {COIN_SIDE_AND_LAVA: but_blue(gate), COIN_SIDE: frozenset(), ANOTHER_LEVEL: frozenset()}
    return Blueprint({"coin": coin, "lava": (detector, lava)}, carries)


HARD: dict[str, Recipe] = {
    "presence": Recipe("go right and jump when a coin is in view, wherever it is", _presence),
    "cancelling": Recipe("two paths from the coin, of which one undoes the other", _cancelling),
    "position": Recipe("go to the side where the coin is, if it is near", _position),
    "suppressing": Recipe("go right wherever there is ground, unless a coin is in view", _suppressing),
    "gated": Recipe("go to the side where the coin is, if there is lava in view", _gated),
}
"""Recipes by kind."""
