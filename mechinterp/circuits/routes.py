"""Direct effects of edges and path patching along named routes, exactly (Wang et al. 2023; Goldowsky-Dill et al. 2023).

A **direct effect** is what happens at the output when one reader channel is computed with one writer channel taken from
the other run, everything else that it reads left as it was. A **route** does this from stop to stop: each stop is
computed with only the stop before it changed, and from the last stop on the network runs as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mechinterp.circuits.carried import Carried
from mechinterp.circuits.donors import Cache, Source
from mechinterp.circuits.effects import Direction
from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.graph import ResidualGraph, apply_weight, by_channel, grouped, run_glue
from mechinterp.circuits.metrics import Metrics
from mechinterp.circuits.nodes import ARROW, Edge, Node
from mechinterp.circuits.pairs import Pairs
from mechinterp.circuits.patching import MEMORY
from mechinterp.circuits.study import Study, StudyPart
from mechinterp.policies.graph import Policy

Stop = Node | str
"""A channel, or, by its hook point alone, every channel of a layer."""


@dataclass(frozen=True)
class Route:
    """Stops from a writer to a reader, each reading the one before.

    A stop that reads a single layer may follow any earlier one: the layers that it reads in between are then passed
    whole (every channel), for example `block1.hook_conv[3] -> block2.res1.hook_branch[7]`, which goes through all of
    `block2.hook_conv` and `block2.res1.hook_conv1`.
    """

    stops: tuple[Stop, ...]

    def __str__(self) -> str:
        return ARROW.join(map(str, self.stops))

    @classmethod
    def parse(cls, text: str) -> Route:
        """From `block1.hook_conv[3] -> hidden.hook_pre[12] -> hook_logits`."""
        parts = [part.strip() for part in text.split(ARROW.strip())]
        return cls(tuple(Node.parse(part) if "[" in part else part for part in parts))


@torch.no_grad()
def edge_effects(
    policy: Policy,
    pairs: Pairs | tuple[np.ndarray | Tensor, np.ndarray | Tensor],
    edges: Sequence[Edge] | None = None,
    *,
    direction: Direction = "denoise",
    source: Source | Cache = "other",
    metrics: Metrics = "movement",
    rng: np.random.Generator | None = None,
    memory: int = MEMORY,
) -> Carried:
    """The direct effect of each edge (all candidates, by default), by itself, in every pair.

    One pass through relu, pool and sum gives the changed input of a reader for all channels of a writer, since none of
    these mixes channels; the change of each reader channel is then one kernel's convolution, added to its unpatched
    output; from there the patching engine runs the suffix. The other run's values (or `source`) are put in.

    Raises:
        CircuitError: no edge of this policy, hooks on it, pairs or options that do not fit.
        BudgetTooSmall: not even one pair fits in `memory`.
    """
    graph = ResidualGraph.of(policy)
    chosen = chosen_edges(graph, edges)
    run = Study(
        policy,
        graph,
        pairs,
        put_in={edge.source.hook for edge in chosen},
        direction=direction,
        source=source,
        metrics=metrics,
        rng=rng,
        memory=memory,
    )
    index = {edge: i for i, edge in enumerate(chosen)}
    patched = np.empty((len(run.measure.names), len(chosen), run.count))
    for part in run.parts():
        patched[:, :, part.here] = part.unpatched[:, None]
        for (reader, writer), by_source in grouped(chosen).items():
            layer = graph.layer(reader)
            before = part.values[layer.reads]
            changed = run_glue(
                policy, layer, {**part.values, writer: part.donor[writer].expand_as(part.values[writer])}
            )
            weight = by_channel(policy, layer, graph.widths[writer])
            for channel, targets in by_source.items():
                delta = _channel(changed, channel, graph.widths[writer]) - _channel(
                    before, channel, graph.widths[writer]
                )
                if not delta.any():
                    continue
                own = slice(channel, channel + 1)
                value = part.values[reader] + apply_weight(policy, layer, delta, weight[:, own], None)
                found = part.measured(value, reader, [(target,) for target in targets])
                rows = [index[Edge(Node(writer, channel), Node(reader, target))] for target in targets]
                patched[:, rows, part.here] = found
    return run.carried(chosen, patched)


@torch.no_grad()
def path_effects(
    policy: Policy,
    pairs: Pairs | tuple[np.ndarray | Tensor, np.ndarray | Tensor],
    routes: Sequence[Route | str] | Route | str,
    *,
    direction: Direction = "denoise",
    source: Source | Cache = "other",
    metrics: Metrics = "movement",
    rng: np.random.Generator | None = None,
    memory: int = MEMORY,
) -> Carried:
    """Path patching: the effect of each route, by itself, in every pair. `Carried.parts` are the routes written out.

    The first stop takes the other run's value (or that of `source`); each next stop is computed with only the stop
    before it changed. Whatever reads the last stop then reads its new value: end at `hook_logits` for one path alone.

    Raises:
        CircuitError: stops that do not read one another, hooks on the policy, pairs or options that do not fit.
        BudgetTooSmall: not even one pair fits in `memory`.
    """
    graph = ResidualGraph.of(policy)
    listed = [routes] if isinstance(routes, Route | str) else routes
    chosen = tuple(written_out(graph, Route.parse(r) if isinstance(r, str) else r) for r in listed)
    if not chosen:
        raise CircuitError("no routes were given")
    run = Study(
        policy,
        graph,
        pairs,
        put_in={_hook(route.stops[0]) for route in chosen},
        direction=direction,
        source=source,
        metrics=metrics,
        rng=rng,
        memory=memory,
    )
    patched = np.empty((len(run.measure.names), len(chosen), run.count))
    for part in run.parts():
        for i, route in enumerate(chosen):
            patched[:, i, part.here] = _along(policy, graph, route, part)
    return run.carried(chosen, patched)


def chosen_edges(graph: ResidualGraph, edges: Sequence[Edge] | None) -> tuple[Edge, ...]:
    """The edges that were asked for, each once, all of them by default. Raises CircuitError for others than it has."""
    chosen = graph.edges() if edges is None else (edges,) if isinstance(edges, Edge) else tuple(edges)
    if not chosen:
        raise CircuitError("no edges were given; `ResidualGraph.of(policy).edges()` lists the candidates")
    for edge in chosen:
        graph.check(edge)
    if len(set(chosen)) < len(chosen):
        raise CircuitError("an edge was given twice")
    return chosen


def written_out(graph: ResidualGraph, route: Route) -> Route:
    """The route with the layers in between that are passed whole.

    Raises:
        CircuitError: fewer than two stops, a stop that does not exist, or one that does not read the one before.
    """
    if len(route.stops) < 2:
        raise CircuitError(f"a route has two stops or more, got {route}")
    first, *rest = route.stops
    graph.nodes([_hook(first)])
    stops: list[Stop] = [first]
    for stop in rest:
        last, between = _hook(stops[-1]), []
        layer = graph.layer(_hook(stop))
        while last not in layer.writers:
            writer, *more = layer.writers
            if more or writer not in graph.inner:
                raise CircuitError(
                    f"{stop} does not read {stops[-1]}: {layer.hook} reads {', '.join(layer.writers)}; name the stops "
                    "in between"
                )
            layer = graph.layer(writer)
            between.append(layer.hook)
        stops += [*reversed(between), stop]
    for stop in stops:
        if isinstance(stop, Node):
            graph.check(stop)
    return Route(tuple(stops))


def _along(policy: Policy, graph: ResidualGraph, route: Route, part: StudyPart) -> np.ndarray:
    first, *rest = route.stops
    last = _hook(first)
    value = _with(part.values[last], part.donor[last].expand_as(part.values[last]), first)
    for stop in rest:
        layer = graph.layer(_hook(stop))
        inputs = run_glue(policy, layer, {**part.values, last: value})
        value = _with(part.values[layer.hook], policy.get_submodule(layer.module)(inputs), stop)
        last = layer.hook
    return part.measured(value, last, [None])[:, 0]


def _with(base: Tensor, new: Tensor, stop: Stop) -> Tensor:
    if isinstance(stop, str) or base.ndim == 1:
        return new.clone()
    value = base.clone()
    value[:, stop.channel] = new[:, stop.channel]
    return value


def _hook(stop: Stop) -> str:
    return stop if isinstance(stop, str) else stop.hook


def _channel(inputs: Tensor, channel: int, channels: int) -> Tensor:
    """One channel of a reader's input: a map, or its features in a row."""
    if inputs.ndim == 4:
        return inputs[:, channel : channel + 1]
    return inputs.unflatten(1, (channels, -1))[:, channel]
