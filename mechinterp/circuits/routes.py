"""Direct effects of edges and path patching along named routes, exactly (Wang et al. 2023; Goldowsky-Dill et al. 2023).

A **direct effect** is what happens at the output when one reader channel is computed with one writer channel taken from
the other run, everything else that it reads left as it was. A **route** does this from stop to stop: each stop is
computed with only the stop before it changed, and from the last stop on the network runs as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mechinterp.circuits.effects import Direction, Effects
from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.graph import ResidualGraph, apply_weight, by_channel, grouped, refuse_hooks, run_glue
from mechinterp.circuits.interaction import of_scenes
from mechinterp.circuits.metrics import Metrics
from mechinterp.circuits.nodes import Edge, Node
from mechinterp.circuits.paired import MEMORY, Batch, PairedRuns
from mechinterp.circuits.pairs import AnyPairs
from mechinterp.circuits.replacements import Replacement, label
from mechinterp.circuits.stops import Route, Stop
from mechinterp.policies.graph import Policy
from mechinterp.policies.subject import PolicyLike, as_policy


@of_scenes
@torch.no_grad()
def edge_effects(
    subject: PolicyLike,
    pairs: AnyPairs,
    edges: Sequence[Edge] | Edge | None = None,
    *,
    direction: Direction = "denoise",
    replacement: Replacement = "counterfactual",
    metrics: Metrics = "movement",
    rng: np.random.Generator | None = None,
    memory: int = MEMORY,
) -> Effects[Edge]:
    """The direct effect of each edge (all candidates, by default), by itself, in every pair.

    One pass through relu, pool and sum gives the changed input of a reader for all channels of a writer, since none of
    these mixes channels; the change of each reader channel is then one kernel's convolution, added to its unpatched
    output; from there the patching engine runs the suffix. The other run's values (or `replacement`) are put in.

    Args:
        direction, replacement, metrics, rng, memory: as in `patch`.

    Raises:
        CircuitError: no edge of this policy, hooks on it, pairs or options that do not fit.
        BudgetTooSmall: not even one pair fits in `memory`.
    """
    policy = as_policy(subject)
    graph = ResidualGraph.of(policy)
    chosen = chosen_edges(graph, edges)
    runs = PairedRuns(policy, pairs, direction=direction, metrics=metrics, memory=memory)
    index = {edge: i for i, edge in enumerate(chosen)}
    run = runs.empty(len(chosen))
    for fork in _forks(runs, graph, {edge.source.hook for edge in chosen}, replacement, rng):
        values, here = fork.batch.base.values, fork.batch.here
        run[:, :, here] = runs.ends["base"][:, None, here]
        for (reader, writer), by_source in grouped(chosen).items():
            layer = graph.layer(reader)
            before = values[layer.reads]
            changed = run_glue(policy, layer, {**values, writer: fork.put[writer].expand_as(values[writer])})
            weight = by_channel(policy, layer, graph.widths[writer])
            for channel, targets in by_source.items():
                delta = _channel(changed, channel, graph.widths[writer]) - _channel(
                    before, channel, graph.widths[writer]
                )
                if not delta.any():
                    continue
                own = slice(channel, channel + 1)
                value = values[reader] + apply_weight(policy, layer, delta, weight[:, own], None)
                found = fork.batch.with_value(reader, value, [(target,) for target in targets], fork.rows)
                rows = [index[Edge(Node(writer, channel), Node(reader, target))] for target in targets]
                run[:, rows, here] = found
    return runs.effects(chosen, run, replacement=label(replacement))


@of_scenes
@torch.no_grad()
def path_effects(
    subject: PolicyLike,
    pairs: AnyPairs,
    routes: Sequence[Route | str] | Route | str,
    *,
    direction: Direction = "denoise",
    replacement: Replacement = "counterfactual",
    metrics: Metrics = "movement",
    rng: np.random.Generator | None = None,
    memory: int = MEMORY,
) -> Effects[Route]:
    """Path patching: the effect of each route, by itself, in every pair. `Effects.parts` are the routes written out.

    The first stop takes the other run's value (or that of `replacement`); each next stop is computed with only the stop
    before it changed. Whatever reads the last stop then reads its new value: end at `hook_logits` for one path alone.

    Args:
        direction, replacement, metrics, rng, memory: as in `patch`.

    Raises:
        CircuitError: stops that do not read one another, hooks on the policy, pairs or options that do not fit.
        BudgetTooSmall: not even one pair fits in `memory`.
    """
    policy = as_policy(subject)
    graph = ResidualGraph.of(policy)
    listed = [routes] if isinstance(routes, Route | str) else routes
    chosen = tuple(written_out(graph, Route.parse(r) if isinstance(r, str) else r) for r in listed)
    if not chosen:
        raise CircuitError("no routes were given")
    runs = PairedRuns(policy, pairs, direction=direction, metrics=metrics, memory=memory)
    run = runs.empty(len(chosen))
    for fork in _forks(runs, graph, {_hook(route.stops[0]) for route in chosen}, replacement, rng):
        for i, route in enumerate(chosen):
            run[:, i, fork.batch.here] = _along(policy, graph, route, fork)
    return runs.effects(chosen, run, replacement=label(replacement))


class _Fork(NamedTuple):
    """Some of the pairs: every value of the run that is changed, what is put in, and how much may be run at once."""

    batch: Batch
    put: Mapping[str, Tensor]
    rows: Mapping[str, int]


def _forks(
    runs: PairedRuns,
    graph: ResidualGraph,
    put_in: Iterable[str],
    replacement: Replacement,
    rng: np.random.Generator | None,
) -> Iterator[_Fork]:
    policy = runs.policy
    refuse_hooks(policy, "edges")
    hooks = policy.select(list(put_in))
    size = runs.plan(policy.select(list(graph.widths)), policy.hook_names)
    values = runs.supply(hooks, replacement, rng=rng, at_once=size.pairs)
    for batch in runs.batches(size.pairs, other=hooks):
        yield _Fork(batch, values(batch), size.rows)


def chosen_edges(graph: ResidualGraph, edges: Sequence[Edge] | Edge | None) -> tuple[Edge, ...]:
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


def _along(policy: Policy, graph: ResidualGraph, route: Route, fork: _Fork) -> np.ndarray:
    first, *rest = route.stops
    last, values = _hook(first), fork.batch.base.values
    value = _with(values[last], fork.put[last].expand_as(values[last]), first)
    for stop in rest:
        layer = graph.layer(_hook(stop))
        inputs = run_glue(policy, layer, {**values, last: value})
        value = _with(values[layer.hook], policy.get_submodule(layer.module)(inputs), stop)
        last = layer.hook
    return fork.batch.with_value(last, value, [None], fork.rows)[:, 0]


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
