"""What an effect may be of: a site, an edit, a node, an edge, a route or a circuit; as text or plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mechinterp.circuits.circuit import Circuit
from mechinterp.circuits.nodes import ARROW, Edge, Node
from mechinterp.circuits.stops import Route
from mechinterp.interventions.edits import Edit
from mechinterp.interventions.sites import Site


def part_to_plain(part: Any) -> Any:
    """Text for nodes, edges and routes; otherwise the part's own `to_dict`."""
    return str(part) if isinstance(part, Node | Edge | Route) else part.to_dict()


def part_from_plain(data: Any) -> Any:
    """The inverse of `part_to_plain`. Raises MechinterpError or KeyError for what it did not write."""
    if isinstance(data, str):
        stops = data.split(ARROW)
        if len(stops) == 1:
            return Node.parse(data)
        return Edge.parse(data) if len(stops) == 2 and all("[" in stop for stop in stops) else Route.parse(data)
    if not isinstance(data, Mapping):
        raise ValueError(f"no part: {data!r}")
    if "universe" in data:
        return Circuit.from_dict(data)
    return Edit.from_dict(data) if "edit" in data else Site.from_dict(data)
