"""Section 7: the smallest circuit that carries an effect, both ways, beside random circuits of its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mechinterp.circuits.circuit import Circuit
from mechinterp.circuits.discovery import exact_effects
from mechinterp.circuits.faithfulness import ENOUGH
from mechinterp.circuits.graph import ResidualGraph
from mechinterp.circuits.minimal import MinimalFaithfulCircuit, minimal_faithful_circuit
from mechinterp.circuits.nodes import Edge, Node
from mechinterp.circuits.paired import DIRECTIONS
from mechinterp.circuits.ranking import Ranking
from mechinterp.circuits.robustness import stability
from mechinterp.circuits.routes import edge_effects, path_effects
from mechinterp.circuits.stops import Route
from mechinterp.coinrun.scenes import MinimalPairs, SceneError
from mechinterp.policies.graph import Policy
from mechinterp.policies.stages import stage_writers
from mechinterp.reports.measure.behaviour import Tick
from mechinterp.reports.measure.scenes import Scenes
from mechinterp.reports.section import Section, Table
from mechinterp.stats import Estimate

DRAWN_NODES, DRAWN_EDGES, EDGE_PAIRS = 36, 90, 16
FEWEST_LEVELS = 8


@dataclass(frozen=True)
class Question:
    """A variable of the world, and the readout that it may move."""

    variable: str
    metric: str


QUESTIONS = (Question("coin side", "movement"), Question("end wall", "movement"), Question("hazard ahead", "jump"))


def circuit(scenes: Scenes, *, tick: Tick) -> Section:
    """For each question, the channels that carry it, chosen on some levels and measured on others."""
    policy = scenes.subject.policy
    parts = []
    for at, question in enumerate(QUESTIONS):
        tick(f"circuit: {question.variable}")
        rng = np.random.default_rng([scenes.plan.seed, 7, at])
        try:
            choose, report = (_some(half, scenes.plan.circuit_pairs, rng) for half in scenes.split(question.variable))
        except SceneError:
            continue  # too few states had room for it
        if min(choose.n_levels, report.n_levels) < FEWEST_LEVELS:
            continue
        parts.append(_Answer(policy, question, choose, report, scenes.plan.random_circuits, rng))
    hooks = stage_writers(policy)
    columns = ("variable", "metric", "clean", "corrupted", "nodes", "candidates", "found", "pairs", "pairs_choose")
    return Section(
        name="circuit",
        estimates=tuple(estimate for part in parts for estimate in part.estimates),
        tables={
            "questions": Table(columns, tuple(part.row for part in parts)),
            "nodes": Table(("variable", "hook", "channel"), tuple(row for part in parts for row in part.nodes)),
            "edges": Table(
                ("variable", "source", "target", "effect"), tuple(row for part in parts for row in part.edges)
            ),
            "layers": Table(("hook", "channels"), tuple((hook, policy.shapes[hook][0]) for hook in hooks)),
        },
        arrays={name: array for part in parts for name, array in part.maps.items()},
        facts={"share": ENOUGH, "random_circuits": scenes.plan.random_circuits},
    )


class _Answer:
    """What was found for one question.

    Args:
        choose, report: pairs of levels to choose on, and of others to report on.
    """

    def __init__(
        self,
        policy: Policy,
        question: Question,
        choose: MinimalPairs,
        report: MinimalPairs,
        draws: int,
        rng: np.random.Generator,
    ) -> None:
        self.policy, self.question = policy, question
        hooks, metric = stage_writers(policy), question.metric
        parts = ResidualGraph.of(policy).nodes(hooks)
        by_way = {
            way: exact_effects(policy, choose, parts, direction=way, metric=metric).effect() for way in DIRECTIONS
        }
        sizes = np.max([np.abs(found).mean(1) for found in by_way.values()], axis=0)
        empty = Circuit.of(policy, (), kind="nodes", universe=hooks)
        ranking = Ranking("exact effects", parts, sizes, empty)
        self.estimates: list[Estimate] = []
        self.nodes: list[tuple[str, str, int]] = []
        self.edges: list[tuple[str, str, str, float]] = []
        self.maps = {
            f"effects/{question.variable}/{way}": _map(policy, hooks, by_way[way].mean(1)) for way in DIRECTIONS
        }
        found = minimal_faithful_circuit(policy, choose, report, ranking, metric=metric, draws=draws, rng=rng)
        chosen = found.circuit
        self.estimates.append(found.total.renamed(f"total/{question.variable}"))
        if chosen is not None:
            self._note(found)
            stable = stability(list(by_way.values()), choose.levels, len(chosen), rng=rng)
            self.estimates.append(stable.renamed(f"stability/{question.variable}"))
            self.edges = self._edges(chosen, ranking, _some(choose, EDGE_PAIRS, rng))
            self.nodes = [(question.variable, node.hook, node.channel) for node in chosen.nodes]
        self.row = (
            question.variable, metric, report.clean_label, report.corrupted_label,
            0 if chosen is None else len(chosen), len(parts), chosen is not None, len(report), len(choose),
        )  # fmt: skip

    def _note(self, found: MinimalFaithfulCircuit) -> None:
        """Faithfulness over size and of the chosen circuit, each beside random circuits, and the areas."""
        variable, everything = self.question.variable, len(found.ranking.parts)
        for way, one in found.ways.items():
            named = {f"faithfulness/{variable}/{way}/{k}": e for k, e in one.faithfulness.items() if 0 < k < everything}
            named |= {f"{key}/{variable}/{way}": getattr(one, key) for key in ("chosen", "cpr", "cmd")}
            if one.random is not None:
                named[f"random/{variable}/{way}"] = one.random
            self.estimates += [estimate.renamed(name) for name, estimate in named.items()]

    def _edges(self, chosen: Circuit, ranking: Ranking, pairs: MinimalPairs) -> list[tuple[str, str, str, float]]:
        """The strongest effects from channel to channel of those that will be drawn, by denoising.

        What a branch reads came through its inner layer, which is passed whole.
        """
        kept, metric = set(chosen.nodes), self.question.metric
        nodes = [part for i in ranking.order if isinstance(part := ranking.parts[i], Node) and part in kept][
            :DRAWN_NODES
        ]
        graph = ResidualGraph.of(self.policy)
        by_hook = {hook: [node for node in nodes if node.hook == hook] for hook in chosen.universe}
        edges: list[Edge] = []
        routes: list[Route] = []
        for layer in graph.layers:
            inner = [name for name in layer.writers if name in graph.inner and name not in by_hook]
            before = graph.layer(inner[0]).writers if inner else layer.writers
            ends = [(a, b) for b in by_hook.get(layer.hook, ()) for name in before for a in by_hook.get(name, ())]
            if inner:
                routes += [Route((source, *inner, target)) for source, target in ends]
            else:
                edges += [Edge(source, target) for source, target in ends]
        found = []
        if edges:
            run = edge_effects(self.policy, pairs, edges, metrics=metric)
            found += zip([(e.source, e.target) for e in edges], run.scores(metric).tolist(), strict=True)
        if routes:
            run = path_effects(self.policy, pairs, routes, metrics=metric)
            found += zip([(r.stops[0], r.stops[-1]) for r in routes], run.scores(metric).tolist(), strict=True)
        best = sorted(found, key=lambda row: -abs(row[1]))[:DRAWN_EDGES]
        return [(self.question.variable, str(source), str(target), effect) for (source, target), effect in best]


def _map(policy: Policy, hooks: Sequence[str], values: np.ndarray) -> np.ndarray:
    """One row a layer, as wide as the widest; what is beyond a layer's channels is 0."""
    widths = [policy.shapes[hook][0] for hook in hooks]
    rows = np.zeros((len(hooks), max(widths)), np.float32)
    for row, (width, part) in enumerate(zip(widths, np.split(values, np.cumsum(widths)[:-1]), strict=True)):
        rows[row, :width] = part
    return rows


def _some(pairs: MinimalPairs, count: int, rng: np.random.Generator) -> MinimalPairs:
    """At most `count` pairs, of as many levels as there are."""
    order = rng.permutation(len(pairs))
    _, first = np.unique(pairs.levels[order], return_index=True)
    rest = np.setdiff1d(np.arange(len(order)), first)
    return pairs.select(np.sort(order[[*rng.permutation(first), *rest][:count]]))
