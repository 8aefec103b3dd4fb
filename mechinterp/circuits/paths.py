"""Finding a circuit by path patching, from the action back to the frame (Wang et al. 2023, section 3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from mechinterp.circuits.discovery import Way, check_threshold, directions, nothing
from mechinterp.circuits.graph import ResidualGraph
from mechinterp.circuits.nodes import Edge, Node
from mechinterp.circuits.paired import MEMORY
from mechinterp.circuits.pairs import Pairs
from mechinterp.circuits.ranking import Ranking
from mechinterp.circuits.routes import path_effects
from mechinterp.circuits.stops import Route
from mechinterp.circuits.zero import refuse_zero
from mechinterp.policies.graph import Policy

MOST = 16
"""Routes that are followed further from one stop, at most."""


def path_patching(
    policy: Policy,
    pairs: Pairs,
    *,
    way: Way = "both",
    metric: str = "movement",
    threshold: float = 0.01,
    memory: int = MEMORY,
) -> Ranking:
    """Rank edges by the best route that begins with them, of those that path patching follows.

    Backwards from the logits and the value: every route of one edge more is patched by itself; those that carry more
    than `threshold` of the total effect are followed on, up to `MOST` from one channel. Edges that lead to no such
    route score 0. Where `by_effects` asks what an edge does through all that comes after it, this asks what it does
    along one way at a time.

    Args:
        threshold: mean size over pairs of a route's effect, as a share of the mean size of the total effect.

    Raises:
        ZeroEffect: no pair has an effect.
        CircuitError: options or pairs that do not fit.
    """
    check_threshold(threshold)
    empty, parts = nothing(policy, "edges", None, "counterfactual")
    graph = ResidualGraph.of(policy)
    best = dict.fromkeys(parts, 0.0)
    kept: dict[Node, list[tuple[float, Route]]] = {}
    for layer in reversed(graph.layers):
        routes: list[Route] = []
        for target in graph.nodes([layer.hook]):
            tails = sorted(kept.pop(target, ()), key=lambda each: -each[0])[:MOST]
            onward = [route for _, route in tails] if layer.hook in graph.inner else [Route((target,))]
            routes += [Route((node, *tail.stops)) for node in graph.nodes(layer.writers) for tail in onward]
        if not routes:
            continue
        scores, scale = _scores(policy, pairs, routes, way, metric, memory)
        for route, score in zip(routes, scores.tolist(), strict=True):
            source, target = route.stops[:2]
            assert isinstance(source, Node)
            assert isinstance(target, Node)
            best[Edge(source, target)] = max(best[Edge(source, target)], score)
            if score > threshold * scale:
                kept.setdefault(source, []).append((score, route))
    return Ranking(f"path patching, {way}", parts, np.array([best[part] for part in parts]), empty)


def _scores(
    policy: Policy, pairs: Pairs, routes: Sequence[Route], way: Way, metric: str, memory: int
) -> tuple[Float64[np.ndarray, " routes"], float]:
    """The mean size of each route's effect, in the larger direction, and that of the total effect."""
    found = [path_effects(policy, pairs, routes, direction=d, metrics=metric, memory=memory) for d in directions(way)]
    scale = float(np.abs(found[0].total(metric)).mean())
    refuse_zero(found[0].total(metric), metric, "there is nothing for a path to carry")
    return np.max([np.abs(one.effect(metric)).mean(1) for one in found], axis=0), scale
