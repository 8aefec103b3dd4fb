"""Networks whose circuit is known, because it was put there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.nodes import Edge, Node
from mechinterp.circuits.planted.kinds import ANOTHER_LEVEL, RECIPES
from mechinterp.circuits.planted.wiring import Wiring
from mechinterp.errors import nearest
from mechinterp.policies.graph import Policy
from mechinterp.policies.networks import ImpalaConfig

ACTIONS = (1, 4, 5, 7)
"""Left, nothing, jump, right: movement's log-odds is then the difference of two logits."""
LIGHT = ImpalaConfig((8, 8), res_blocks=1, stem_kernel=5, stem_stride=2, hidden=12, actions=ACTIONS)
"""The light stem, two blocks of one branch each."""
CANONICAL = ImpalaConfig((8, 8, 8), res_blocks=2, hidden=12, actions=ACTIONS)
"""The canonical depth, three blocks of two branches each, with fewer channels."""


@dataclass(frozen=True, eq=False)
class PlantedNetwork:
    """A network with hand-written weights, and its true circuit for movement.

    Attributes:
        name: its kind.
        wants: what it does, in words.
        policy: the network: a real IMPALA, to be played, patched and saved as any other.
        channels: what is represented ("coin", "ground", "wall"; "idle coin" where no action reads it) -> the nodes that
            carry it, earliest first.
        edges: all edges by which anything in a frame can reach log P(right) - log P(left). All other edges are without
            effect on it, exactly, whatever their weights.
        carries: variable -> the edges that carry its effect on movement; empty where the network does not care.
            `coin side` and `coin on the right` (known where two paths are redundant, which shows in these pairs alone)
            are those of `coinrun.scenes`; by `another level`, where the two frames of a pair are of different
            levels and have coins in view, it is all edges but those whose effects cancel. The rest of `edges` lies
            idle in such pairs, or nearly so, and counts neither for nor against a method (`undecided`).
        idle: edges that were wired on purpose but lead to no action.
    """

    name: str
    wants: str
    policy: Policy
    channels: Mapping[str, tuple[Node, ...]]
    edges: frozenset[Edge]
    carries: Mapping[str, frozenset[Edge]]
    idle: frozenset[Edge]

    @property
    def used(self) -> frozenset[Node]:
        """The nodes of `edges`: those that are causally used."""
        return _ends(self.edges)

    @property
    def decodable(self) -> frozenset[Node]:
        """Nodes that represent something, though no action reads it from them."""
        return frozenset(node for nodes in self.channels.values() for node in nodes) - self.used

    def truth(self, variable: str) -> frozenset[Edge]:
        """`carries`, for one variable. Raises CircuitError for a variable about which nothing is known."""
        try:
            return self.carries[variable]
        except KeyError:
            near = nearest(variable, self.carries)
            raise CircuitError(f"what carries {variable!r} in planted {self.name!r} is not known{near}") from None

    def true_nodes(self, variable: str) -> frozenset[Node]:
        """The nodes at the ends of `truth(variable)`."""
        return _ends(self.truth(variable))

    def undecided(self, variable: str) -> frozenset[Edge]:
        """Edges connected to movement that need not show in pairs of this variable: leave them out of scores."""
        return self.edges - self.truth(variable)


def planted_network(
    kind: str, *, seed: int = 0, config: ImpalaConfig = LIGHT, distractors: float = 0.5
) -> PlantedNetwork:
    """The planted network of a kind.

    A coin detector is one channel that answers to the coin's yellow in frames of a game without backgrounds
    (`GameOptions(use_backgrounds=False)`); the last linear layer reads its map right and left of the agent, who is in
    the middle of the view. All channels that are left over are distractors: they read the circuit and one another
    with random weights, and the value reads them, but no action does.

    Args:
        kind: one of `RECIPES`.
        seed: of the positions of the channels and of the distractors' weights.
        config: `LIGHT`, `CANONICAL`, or another with the actions left (1) and right (7) and at least 8 channels.
        distractors: size of their weights, relative to 1 over the root of the number of inputs.

    Raises:
        CircuitError: an unknown kind, a seed below 0, or a config without room for it.
    """
    if kind not in RECIPES:
        raise CircuitError(f"no planted network is called {kind!r}{nearest(kind, RECIPES)}")
    if missing := {1, 7} - set(config.actions):
        raise CircuitError(f"a planted network moves by the actions 1 and 7; {config.actions} lacks {sorted(missing)}")
    if seed < 0:
        raise CircuitError(f"seed must be 0 or more, got {seed}")
    net = Wiring(config, np.random.default_rng([seed, list(RECIPES).index(kind)]))
    plan = RECIPES[kind].wire(net)
    net.distract(distractors)
    edges = frozenset(net.edges) - plan.idle
    return PlantedNetwork(
        name=kind,
        wants=RECIPES[kind].wants,
        policy=net.policy,
        channels=MappingProxyType(plan.channels),
        edges=edges,
        carries=MappingProxyType({ANOTHER_LEVEL: edges, **plan.carries}),
        idle=plan.idle,
    )


def _ends(edges: frozenset[Edge]) -> frozenset[Node]:
    return frozenset(node for edge in edges for node in (edge.source, edge.target))
