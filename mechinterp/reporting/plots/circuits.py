"""A `Circuit` drawn by itself, without a page around it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from mechinterp.circuits.circuit import Circuit, Part
from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.nodes import Edge, Node
from mechinterp.reporting.plots.network import drawing


def draw_circuit(
    circuit: Circuit, effects: Mapping[Part, float], *, between: Mapping[Edge, float] | None = None, title: str = ""
) -> go.Figure:
    """A circuit by itself: a column a layer, a dot a channel, a line an edge.

    Args:
        effects: of each of its parts, in nats (or the metric's unit): of `edge_effects`, `patch` or an attribution.
            Sizes of dots and widths of lines; signs are colours.
        between: for a circuit of nodes, effects of edges to draw between them; those with other ends are left out.
        title: what the figure says above; by default what the circuit is.

    Raises:
        CircuitError: no parts, or parts without a finite effect.
    """
    if not circuit.parts:
        raise CircuitError("a circuit of no parts cannot be drawn")
    if missing := [part for part in circuit.parts if not np.isfinite(effects.get(part, np.nan))]:
        raise CircuitError(
            f"{len(missing)} of {len(circuit)} parts have no finite effect to draw, for example {missing[0]}"
        )
    edges = {part: effects[part] for part in circuit.parts if isinstance(part, Edge)} or dict(between or {})
    nodes = {node: effects.get(node, 0.0) for node in circuit.nodes}
    return drawing(
        _left_to_right(circuit),
        {(node.hook, node.channel): float(effect) for node, effect in nodes.items()},
        [(_end(edge.source), _end(edge.target), float(effect)) for edge, effect in edges.items()],
        name="circuit",
        question=title or str(circuit),
    )


def _left_to_right(circuit: Circuit) -> list[str]:
    """The layers of a circuit: its universe, and what its edges come from before their first reader."""
    order = list(circuit.universe)
    for part in circuit.parts:
        if isinstance(part, Edge) and part.source.hook not in order:
            order.insert(order.index(part.target.hook), part.source.hook)
    return order


def _end(node: Node) -> tuple[str, int]:
    return node.hook, node.channel
