"""`Circuit`: a set of nodes or of edges of one policy, and what stands in for everything else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np

from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.graph import ResidualGraph
from mechinterp.circuits.nodes import Edge, Node
from mechinterp.circuits.records import Record
from mechinterp.circuits.replacements import Named
from mechinterp.errors import nearest
from mechinterp.policies.graph import Policy

Kind = Literal["nodes", "edges"]
Part = Node | Edge
_FORMAT = "mechinterp-circuit-2"


@dataclass(frozen=True)
class Circuit(Record):
    """Nodes, or edges, of a policy; everything else of its universe is ablated when the circuit is run.

    Made by `Circuit.of`, which checks it against the policy.

    Attributes:
        kind: what the parts are.
        parts: in running order.
        universe: hook points that it is cut out of. Of nodes: every other channel of these is ablated. Of edges: every
            other edge into these layers. What is not in the universe runs as always.
        ablation: what ablated parts carry instead: `counterfactual` (the values of the other run of the pair), `mean`,
            `zero` or `resample`.
        policy: fingerprint of the policy (see `fingerprint`).
        size: how many nodes or edges the universe has.
    """

    kind: Kind
    parts: tuple[Part, ...]
    universe: tuple[str, ...]
    ablation: Named
    policy: str
    size: int

    WHAT: ClassVar[str] = "a circuit"

    def __post_init__(self) -> None:
        wanted = {"nodes": Node, "edges": Edge}.get(self.kind)
        if wanted is None:
            raise CircuitError(f"a circuit is of 'nodes' or of 'edges', got {self.kind!r}")
        if not isinstance(self.universe, tuple) or not all(isinstance(name, str) for name in self.universe):
            raise CircuitError(f"a circuit's universe is a tuple of names of hook points, got {self.universe!r}")
        if not isinstance(self.policy, str):
            raise CircuitError(f"a circuit names its policy by a fingerprint, got {self.policy!r}")
        if not isinstance(self.size, int) or isinstance(self.size, bool) or self.size < len(self.parts):
            raise CircuitError(
                f"a circuit's size is how many parts its universe has, so no less than {len(self.parts)}, got "
                f"{self.size!r}"
            )
        if wrong := [part for part in self.parts if not isinstance(part, wanted)]:
            raise CircuitError(f"a circuit of {self.kind} cannot hold {wrong[0]!r}")
        if len(set(self.parts)) < len(self.parts):
            raise CircuitError("a circuit holds each of its parts once")
        if self.ablation not in get_args(Named):
            raise CircuitError(f"unknown ablation {self.ablation!r}{nearest(str(self.ablation), get_args(Named))}")
        outside = {hook for part in self.parts if (hook := hook_in_universe(part)) not in self.universe}
        if outside:
            raise CircuitError(f"parts outside of the circuit's universe: {', '.join(sorted(outside))}")

    @classmethod
    def of(
        cls,
        policy: Policy,
        parts: Iterable[Part],
        *,
        universe: Sequence[str] | str | None = None,
        ablation: Named = "counterfactual",
        kind: Kind | None = None,
    ) -> Circuit:
        """A circuit of this policy.

        Args:
            parts: nodes or edges.
            universe: see `Circuit`; by default every inner layer (nodes) or every layer (edges).
            kind: needed where there are no parts.

        Raises:
            CircuitError: parts of both kinds, none without a `kind`, an empty universe, or parts or hook points that
                the policy lacks, or whose channels nothing reads (nodes at `hook_logits` and `hook_value`).
        """
        graph, listed = ResidualGraph.of(policy), (parts,) if isinstance(parts, Node | Edge) else tuple(parts)
        if kind is None:
            if not listed:
                raise CircuitError("a circuit of nothing needs its kind: 'nodes' or 'edges'")
            kind = "nodes" if isinstance(listed[0], Node) else "edges"
        for part in listed:
            graph.check(part)
        if universe is None:
            universe = graph.inner if kind == "nodes" else tuple(layer.hook for layer in graph.layers)
        inside = in_order(graph, kind, universe)
        everything = candidates(graph, kind, inside)
        order = {part: i for i, part in enumerate(everything)}
        listed = tuple(sorted(listed, key=lambda part: order.get(part, -1)))
        return cls(kind, listed, inside, ablation, fingerprint(policy), len(everything))

    def __len__(self) -> int:
        return len(self.parts)

    def __str__(self) -> str:
        return f"{len(self.parts)} of {self.size} {self.kind} ({self.ablation} ablation)"

    def __contains__(self, part: object) -> bool:
        return part in self.parts

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Its nodes; of edges, the ends."""
        found = {n: None for part in self.parts for n in ((part,) if isinstance(part, Node) else ends(part))}
        return tuple(found)

    def with_parts(self, parts: Iterable[Part]) -> Circuit:
        """Another circuit of the same universe."""
        return replace(self, parts=tuple(parts))

    def without(self, parts: Iterable[Part]) -> Circuit:
        """This circuit less some parts."""
        gone = set(parts)
        return self.with_parts(part for part in self.parts if part not in gone)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that `json` writes."""
        data = {"format": _FORMAT, **vars(self), "parts": [str(part) for part in self.parts]}
        return {**data, "universe": list(self.universe)}

    @classmethod
    def _from_dict(cls, data: dict[str, Any]) -> Self:
        if data.pop("format") != _FORMAT:
            raise ValueError(f"its format is not {_FORMAT}")
        parse = Node.parse if data["kind"] == "nodes" else Edge.parse
        parts = tuple(parse(part) for part in data.pop("parts"))
        if not isinstance(data["universe"], list):
            raise ValueError(f"its universe is no list: {data['universe']!r}")
        return cls(**{**data, "parts": parts, "universe": tuple(data["universe"])})


def in_order(graph: ResidualGraph, kind: Kind, universe: Sequence[str] | str) -> tuple[str, ...]:
    """A universe in running order.

    Raises:
        CircuitError: it is empty, or has hook points that circuits of this kind cannot be cut out of.
    """
    if kind not in get_args(Kind):
        raise CircuitError(f"a circuit is of 'nodes' or of 'edges', got {kind!r}")
    names = [universe] if isinstance(universe, str) else list(universe)
    known = graph.writers if kind == "nodes" else tuple(layer.hook for layer in graph.layers)
    what = "some layer reads" if kind == "nodes" else "a layer writes"
    if not names:
        raise CircuitError(f"a circuit's universe cannot be empty; known: {', '.join(known)}")
    for name in names:
        if name not in known:
            near = nearest(str(name), known)
            raise CircuitError(f"circuits of {kind} are cut out of hook points that {what}, {name!r} is none{near}")
    return tuple(name for name in known if name in names)


def candidates(graph: ResidualGraph, kind: Kind, universe: Sequence[str]) -> tuple[Part, ...]:
    """Every node, or edge, of a universe."""
    return graph.nodes(universe) if kind == "nodes" else graph.edges(universe)


def hook_in_universe(part: Part) -> str:
    """The hook point in the universe that a part belongs to: a node's own, or that of the layer an edge goes into."""
    return part.hook if isinstance(part, Node) else part.target.hook


def ends(edge: Edge) -> tuple[Node, Node]:
    """Source and target."""
    return edge.source, edge.target


def fingerprint(policy: Policy) -> str:
    """The architecture and a hash of the weights (16 hex digits of SHA-256), which tell one policy from another."""
    digest = hashlib.sha256(repr(policy.config).encode())
    for name, value in sorted(policy.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(value.detach().cpu().float().numpy()).tobytes())
    return f"{policy.config.kind}-{digest.hexdigest()[:16]}"
