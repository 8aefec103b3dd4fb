"""Find the smallest circuit that carries an effect both ways; compare it with random circuits of its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from jaxtyping import Float, Float64

from mechinterp.circuits import (
    DIRECTIONS,
    Node,
    Ranking,
    ResidualGraph,
    Route,
    TwoByTwo,
    edge_effects,
    exact_effects,
    minimal_faithful_circuit,
    path_effects,
    stability,
)
from mechinterp.circuits import Circuit as ChannelSet
from mechinterp.circuits import Edge as GraphEdge
from mechinterp.circuits.effects import Direction
from mechinterp.circuits.faithfulness import ENOUGH
from mechinterp.circuits.metrics import UNSIGNED
from mechinterp.circuits.minimal import OneWay
from mechinterp.coinrun.scenes import MinimalPairs, SceneError
from mechinterp.experiments.circuit.result import Circuit, Edge, Faithfulness, Question, Result
from mechinterp.experiments.inputs.ranks import TotalEffects, rank_p
from mechinterp.experiments.inputs.scenes import Scenes, scenes
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.policies.graph import Policy
from mechinterp.policies.stages import stage_writers

QUESTIONS = {"coin side": "movement", "end wall": "movement", "hazard ahead": "jump", "coin presence": "movement"}
"""A variable of the world -> the readout that it may move."""
GATE, GATED = "coin side x saw", ("coin side, saw on the right", "coin side, no saw there")
"""The interaction of the coin's side with a saw, and the two variables whose pairs are its four frames, row by row."""
GATE_LABELS = "coin right instead of left with a saw", "the same without"
DRAWN_NODES, DRAWN_EDGES, EDGE_PAIRS = 36, 90, 16
FEWEST_LEVELS = 8


@dataclass(frozen=True)
class Size:
    """How much is run.

    Attributes:
        pairs: at most, that circuits are chosen on, and as many others that they are reported on.
        random_circuits: among which each chosen circuit is ranked.
        band: random circuits at each other size, to draw.
    """

    pairs: int
    random_circuits: int = 100
    band: int = 6


SIZES = Sizes(full=Size(pairs=60), quick=Size(pairs=12, band=3))


def measure(context: Context[Size], effects: TotalEffects) -> Result:
    """For each question, the channels that carry the effect, chosen on some levels and measured on others."""
    size, found = context.size, {}
    asked = {**QUESTIONS, GATE: "movement"}
    rngs = context.rng.spawn(len(asked))  # so that no question's numbers depend on the others
    for (variable, readout), rng in zip(asked.items(), rngs, strict=True):
        context.tick(f"circuit: {variable}")
        shared = context.inputs(scenes)
        try:
            halves = _four_frames(shared) if variable == GATE else shared.split(variable)
        except SceneError:
            continue  # too few states had room for it
        choose, report = (some(half, size.pairs, rng) for half in halves)
        if min(_levels(choose), _levels(report)) < FEWEST_LEVELS:
            continue
        options = {"draws": size.random_circuits, "band": size.band, "rng": rng}
        p = None if variable == GATE else rank_p(effects, variable, readout)
        signed = answer(context.subject.policy, readout, choose, report, **options)
        found[variable] = signed.model_copy(update={"random_p": p})
        if found[variable].circuit is None and variable != GATE:
            # What cancels in the mean over pairs may still be an effect in each of them.
            unsigned = answer(context.subject.policy, f"{UNSIGNED}{readout}", choose, report, **options)
            if unsigned.circuit is not None:
                found[f"{variable}, unsigned"] = unsigned
    return Result(share=ENOUGH, random_circuits=size.random_circuits, questions=found)


def _four_frames(shared: Scenes) -> tuple[TwoByTwo, TwoByTwo]:
    """The coin right or left, with a saw and without: scenes of the levels to choose on, and to report on.

    Raises:
        SceneError: too few states had room for it.
    """
    with_saw, without = (shared.split(name) for name in GATED)
    choose, report = (TwoByTwo.of(one, other) for one, other in zip(with_saw, without, strict=True))
    return choose, report


def _levels(pairs: MinimalPairs | TwoByTwo) -> int:
    return len(np.unique(pairs.levels))


def answer(
    policy: Policy,
    metric: str,
    choose: MinimalPairs | TwoByTwo,
    report: MinimalPairs | TwoByTwo,
    *,
    draws: int,
    rng: np.random.Generator,
    band: int = 6,
) -> Question:
    """Rank channels by their exact effects, choose the smallest faithful circuit, and measure it on other levels.

    Args:
        metric: a readout, or ``unsigned:`` and a readout.
        choose, report: pairs of levels to choose on, and of others to report on; or four frames, whose interaction is
            asked.
        draws: random circuits, of the chosen size.
        band: random circuits of each other size.
    """
    hooks = stage_writers(policy)
    parts = ResidualGraph.of(policy).nodes(hooks)
    by_way: dict[Direction, Float64[np.ndarray, "parts pairs"]] = {
        way: exact_effects(policy, choose, parts, direction=way, metric=metric).effect() for way in DIRECTIONS
    }
    scores = np.max([np.abs(found).mean(1) for found in by_way.values()], axis=0)
    ranking = Ranking("exact effects", parts, scores, ChannelSet.of(policy, (), kind="nodes", universe=hooks))
    found = minimal_faithful_circuit(policy, choose, report, ranking, metric=metric, draws=draws, band=band, rng=rng)
    circuit = None
    if found.circuit is not None:
        circuit = _circuit(policy, metric, choose, ranking, found.circuit, by_way, found.ways, rng)
    four, variable = isinstance(report, TwoByTwo), GATE if isinstance(report, TwoByTwo) else report.variable
    clean, corrupted = GATE_LABELS if isinstance(report, TwoByTwo) else (report.clean_label, report.corrupted_label)
    return Question(
        readout=metric.removeprefix(UNSIGNED),
        measured="interaction" if four else "unsigned" if metric.startswith(UNSIGNED) else "signed",
        clean=clean,
        corrupted=corrupted,
        pairs=len(report),
        pairs_choose=len(choose),
        total=found.total.renamed(f"total effect of {variable} on {metric}"),
        denoise=_by_hook(policy, hooks, by_way["denoise"].mean(1)),
        noise=_by_hook(policy, hooks, by_way["noise"].mean(1)),
        circuit=circuit,
    )


def _circuit(
    policy: Policy,
    metric: str,
    choose: MinimalPairs | TwoByTwo,
    ranking: Ranking,
    chosen: ChannelSet,
    by_way: Mapping[Direction, Float64[np.ndarray, "parts pairs"]],
    ways: Mapping[Direction, OneWay],
    rng: np.random.Generator,
) -> Circuit:
    stable = stability(list(by_way.values()), choose.levels, len(chosen), rng=rng)
    return Circuit(
        channels=tuple((node.hook, node.channel) for node in chosen.nodes),
        edges=_edges(policy, metric, chosen, ranking, some(choose, EDGE_PAIRS, rng)),
        denoise=_faithfulness("denoise", ways["denoise"], everything=len(ranking.parts)),
        noise=_faithfulness("noise", ways["noise"], everything=len(ranking.parts)),
        stability=stable.renamed("Jaccard index of circuits chosen on resampled levels"),
    )


def _faithfulness(way: str, found: OneWay, *, everything: int) -> Faithfulness:
    """Over size, without the empty circuit (0) and that of all channels (1)."""
    return Faithfulness(
        sizes={
            int(size): estimate.renamed(f"{way}, {size} channels: faithfulness")
            for size, estimate in found.faithfulness.items()
            if 0 < size < everything
        },
        chosen=found.chosen.renamed(f"{way}, the circuit: faithfulness"),
        random=None if found.random is None else found.random.renamed(f"{way}, random circuits: faithfulness"),
        cpr=found.cpr.renamed(f"{way}: CPR"),
        cmd=found.cmd.renamed(f"{way}: CMD"),
    )


def _edges(
    policy: Policy, metric: str, chosen: ChannelSet, ranking: Ranking, pairs: MinimalPairs | TwoByTwo
) -> tuple[Edge, ...]:
    """The strongest effects from channel to channel of those that will be drawn, by denoising.

    What a branch reads came through its inner layer, which is passed whole.
    """
    kept = set(chosen.nodes)
    ranked = (part for i in ranking.order if isinstance(part := ranking.parts[i], Node) and part in kept)
    nodes = [node for node, _ in zip(ranked, range(DRAWN_NODES), strict=False)]
    edges, routes = _between(policy, nodes, chosen.universe)
    found: list[tuple[Node, Node, float]] = []
    if edges:
        scores = edge_effects(policy, pairs, edges, metrics=metric).scores(metric)
        found += [(edge.source, edge.target, float(score)) for edge, score in zip(edges, scores, strict=True)]
    if routes:
        scores = path_effects(policy, pairs, routes, metrics=metric).scores(metric)
        ends = [(one.stops[0], one.stops[-1]) for one in routes]
        found += [(a, b, float(score)) for (a, b), score in zip(ends, scores, strict=True)]  # pyright: ignore
    best = sorted(found, key=lambda row: -abs(row[2]))[:DRAWN_EDGES]
    return tuple(Edge(source=(a.hook, a.channel), target=(b.hook, b.channel), effect=effect) for a, b, effect in best)


def _between(policy: Policy, nodes: Sequence[Node], universe: Sequence[str]) -> tuple[list[GraphEdge], list[Route]]:
    """Everything that can pass directly from one of these channels to another: edges, or routes through a branch."""
    graph = ResidualGraph.of(policy)
    by_hook = {hook: [node for node in nodes if node.hook == hook] for hook in universe}
    edges: list[GraphEdge] = []
    routes: list[Route] = []
    for layer in graph.layers:
        inner = [name for name in layer.writers if name in graph.inner and name not in by_hook]
        before = graph.layer(inner[0]).writers if inner else layer.writers
        ends = [(a, b) for b in by_hook.get(layer.hook, ()) for name in before for a in by_hook.get(name, ())]
        if inner:
            routes += [Route((source, *inner, target)) for source, target in ends]
        else:
            edges += [GraphEdge(source, target) for source, target in ends]
    return edges, routes


def _by_hook(
    policy: Policy, hooks: Sequence[str], values: Float[np.ndarray, " parts"]
) -> dict[str, Float[np.ndarray, " channels"]]:
    ends = np.cumsum([policy.shapes[hook][0] for hook in hooks])[:-1]
    return {hook: part.astype(np.float32) for hook, part in zip(hooks, np.split(values, ends), strict=True)}


Scened = TypeVar("Scened", bound=MinimalPairs | TwoByTwo)


def some(pairs: Scened, count: int, rng: np.random.Generator) -> Scened:
    """At most `count` pairs, of as many levels as there are."""
    order = rng.permutation(len(pairs))
    _, first = np.unique(pairs.levels[order], return_index=True)
    rest = np.setdiff1d(np.arange(len(order)), first)
    return pairs.select(np.sort(order[[*rng.permutation(first), *rest][:count]]))  # pyright: ignore[reportReturnType]
