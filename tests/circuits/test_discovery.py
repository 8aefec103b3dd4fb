"""Known answers: planted networks on painted frames, where what carries the coin's side is known edge by edge."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mechinterp import stats
from mechinterp.circuits import (
    DIRECTIONS,
    BudgetTooSmall,
    CircuitError,
    Effects,
    FramePairs,
    ZeroEffect,
    matched_random_circuits,
    stability,
)
from mechinterp.circuits.circuit import Circuit, hook_in_universe
from mechinterp.circuits.discovery import acdc, by_effects, exact_effects
from mechinterp.circuits.faithfulness import Curve, curve, growing, smallest
from mechinterp.circuits.graph import ResidualGraph
from mechinterp.circuits.hypotheses import completeness, equivalence, independence, minimality, minimality_tests
from mechinterp.circuits.masks import MaskOptions, learned_mask
from mechinterp.circuits.planted import RECIPES, planted_network
from mechinterp.circuits.ranking import Ranking, compare
from mechinterp.circuits.robustness import best
from mechinterp.circuits.running import run_circuit

YELLOW = (255, 204, 0)


def scenes(count: int, *, seed: int = 0, variable: str = "coin side") -> FramePairs:
    """A coin right (clean) and left (corrupted) of the middle over ground; or none, or other ground too."""
    rng = np.random.default_rng(seed)
    sides = []
    for _ in range(2):
        sides.append(np.zeros((count, 64, 64, 3), np.uint8))
    for pair in range(count):
        row, distance = int(rng.integers(14, 28)), int(rng.integers(6, 22))
        ground, bright = None, 0
        for side, frames in enumerate(sides):
            if ground is None or variable == "another level":
                ground, bright = rng.integers(0, 2, 8).repeat(8), rng.integers(120, 200)
            frames[pair, 50:, ground == 1] = bright
            frames[pair, :12, ground == 1] = 150
            if side == 1 and variable == "coin present":
                continue
            at = 32 + distance if side == 0 else 30 - distance
            frames[pair, row : row + 5, at : at + 5] = YELLOW
    return FramePairs(sides[0], sides[1], np.arange(count))


def study(kind: str, count: int = 4):
    network = planted_network(kind)
    known = [name for name in ("coin side", "coin on the right", "another level") if network.carries.get(name)]
    variable = known[0]
    drawn = "coin present" if variable == "coin on the right" else variable
    return network, scenes(count, variable=drawn), network.truth(variable), network.undecided(variable)


SHOWN = [kind for kind in RECIPES if kind not in ("cancelling", "gated")]
"""Kinds in which a pair of frames has a total effect; a gate is found in `test_interaction`."""


@pytest.mark.parametrize("kind", [*SHOWN, "cancelling"])
def test_exact_effects_find_every_planted_circuit(kind):
    network, pairs, truth, undecided = study(kind)
    # Where a coin appears, its red and its green are needed both: neither is enough by itself.
    ways = ("both",) if kind in ("presence", "suppressing") else ("both", "denoise")
    for way in ways:
        ranking = by_effects(network.policy, pairs, kind="edges", way=way)
        assert ranking.auroc(truth, undecided=undecided) >= 0.99


@pytest.mark.parametrize("kind", SHOWN)
def test_pruning_keeps_true_nodes_alone(kind):
    network, pairs, edges, _ = study(kind, 3)
    ranking = acdc(network.policy, pairs, kind="nodes")
    inner = set(ranking.parts)
    truth, used = {end for edge in edges for end in (edge.source, edge.target)} & inner, network.used & inner
    assert {*ranking.above(0.01).parts} <= used
    assert ranking.auroc(truth, undecided=used - truth) >= 0.95


def test_pruning_keeps_true_edges_alone():
    network, pairs, truth, undecided = study("coin", 2)
    hooks = ["block2.hook_conv", "hook_logits"]
    ranking = acdc(network.policy, pairs, kind="edges", universe=hooks)
    inside = {edge for edge in truth if edge.target.hook in hooks}
    kept = set(ranking.above(0.01).parts)
    assert inside <= kept <= inside | undecided
    assert ranking.auroc(inside, undecided=undecided) >= 0.99


def test_hypotheses_and_masks_have_bounded_memory():
    network, pairs, _, _ = study("coin", 7)
    hooks = ["block2.hook_conv"]
    ranking = by_effects(network.policy, pairs, kind="nodes", universe=hooks)
    for of in (completeness, minimality, minimality_tests):
        with pytest.raises(BudgetTooSmall):
            of(network.policy, pairs, ranking.circuit(2), rng=np.random.default_rng(0), memory=1)
    rows = []
    stem = network.policy.get_submodule("block1.conv")
    counter = stem.register_forward_pre_hook(lambda module, inputs: rows.append(len(inputs[0])))
    options = MaskOptions(steps=2, pairs=3)
    try:
        learned_mask(network.policy, pairs, kind="nodes", universe=hooks, generator=torch.Generator(), options=options)
    finally:
        counter.remove()
    assert max(rows) == 3


def test_options_that_make_no_sense():
    for options in ({"pairs": 0}, {"steps": 0}, {"rate": 0.0}, {"price": np.nan}):
        with pytest.raises(CircuitError, match=r"a mask is trained|must be finite"):
            MaskOptions(**options)
    with pytest.raises(CircuitError, match="seed must be 0 or more"):
        planted_network("coin", seed=-1)
    with pytest.raises(CircuitError, match="at least 1 draw"):
        stability([np.ones((3, 4))], np.arange(4), 2, rng=np.random.default_rng(0), draws=0)
    one, other = planted_network("coin"), planted_network("coin", seed=1)
    hooks = ["block2.hook_conv"]
    whole = [Circuit.of(net.policy, ResidualGraph.of(net.policy).nodes(hooks), universe=hooks) for net in (one, other)]
    with pytest.raises(CircuitError, match="circuits of different policies"):
        compare(*whole)
    assert compare(whole[0].parts, whole[1].parts).jaccard == 1
    single = curve(one.policy, scenes(2), by_effects(one.policy, scenes(2), kind="nodes", universe=hooks), sizes=[1])
    with pytest.raises(CircuitError, match=r"write \[curve\]"):
        smallest(single)


@pytest.mark.parametrize("kind", ["coin", "two coin paths"])
def test_a_learned_mask_finds_them(kind):
    network, pairs, truth, undecided = study(kind)
    hooks = ["block2.res1.hook_conv1", "block2.res1.hook_branch", "hidden.hook_pre", "hook_logits"]
    ranking = learned_mask(
        network.policy,
        pairs,
        kind="edges",
        universe=hooks,
        generator=torch.Generator().manual_seed(0),
        options=MaskOptions(steps=60, rate=0.2, pairs=4),
    )
    inside = {edge for edge in truth if edge.target.hook in hooks}
    assert ranking.auroc(inside, undecided=undecided) >= 0.95


def test_of_redundant_paths_noising_shows_little_and_denoising_all():
    network, pairs = planted_network("two coin paths"), scenes(4, variable="coin present")
    units = sorted(n for n in network.true_nodes("coin side") if n.hook == "block2.hook_conv")
    assert len(units) == 2  # the copies of either path
    whole = run_circuit(network.policy, pairs, [Circuit.of(network.policy, units)]).total("movement").mean()
    alone = exact_effects(network.policy, pairs, units).scores() / whole
    without = exact_effects(network.policy, pairs, units, direction="noise").scores() / whole
    assert (alone > 0.6).all()
    assert (without < 0.2).all()


def test_pruning_keeps_one_of_two_redundant_paths():
    network, pairs = planted_network("two coin paths"), scenes(4, variable="coin present")
    units = {n for n in network.true_nodes("coin side") if n.hook == "block2.hook_conv"}
    kept = acdc(network.policy, pairs, kind="nodes", threshold=0.1, universe=["block2.hook_conv"]).above(0.1)
    assert len(units & set(kept.parts)) == 1


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_true_circuit_alone_does_everything(direction):
    network, pairs, truth, _ = study("coin", 8)
    true = Circuit.of(network.policy, network.edges | truth)
    run = run_circuit(
        network.policy, pairs, [true, *matched_random_circuits(network.policy, true, 3, np.random.default_rng(0))]
    )
    shares = run.shares("movement", rng=np.random.default_rng(0))
    assert shares[0].value == pytest.approx(1, abs=1e-4)
    assert all(abs(share.value) < 0.2 for share in shares[1:])
    assert shares[0].unit == "levels"


def test_curves_areas_and_the_smallest_circuit():
    network, pairs, truth, _ = study("coin", 8)
    ranking = by_effects(network.policy, pairs, kind="edges")
    curves = [curve(network.policy, pairs, ranking, direction=d, sizes=[6, 12, 13, 100]) for d in DIRECTIONS]
    assert curves[0].sizes == (0, 6, 12, 13, 100, 660)
    size = smallest(curves)
    assert size in (12, 13)
    assert compare(ranking.circuit(size), truth).recall == 1
    rng = np.random.default_rng(0)
    assert [round(e.value, 3) for e in curves[0].faithfulness(rng=rng)][-3:] == [1, 1, 1]
    shares = curves[0].values()
    x = np.array(curves[0].sizes) / 660
    assert curves[0].cpr(rng=rng).value == pytest.approx(((shares[1:] + shares[:-1]) / 2) @ np.diff(x), abs=1e-9)
    assert curves[0].cmd(rng=rng).value == pytest.approx(
        ((abs(1 - shares)[1:] + abs(1 - shares)[:-1]) / 2) @ np.diff(x), abs=1e-9
    )
    assert curves[0].cpr(rng=rng).n == 8


def test_no_effect_is_said_and_never_divided_by():
    network, pairs = planted_network("right"), scenes(4)
    ranking = by_effects(network.policy, pairs, kind="edges")
    flat = curve(network.policy, pairs, ranking, sizes=[5])
    with pytest.raises(ZeroEffect, match="none of the 4 pairs has an effect on 'movement'") as error:
        flat.faithfulness(rng=np.random.default_rng(0))
    assert error.value.pairs == (0, 1, 2, 3)
    for make in (flat.cpr, flat.cmd):
        with pytest.raises(ZeroEffect):
            make(rng=np.random.default_rng(0))
    with pytest.raises(ZeroEffect):
        smallest([flat])
    with pytest.raises(ZeroEffect, match="nothing to prune"):
        acdc(network.policy, pairs, kind="nodes")
    with pytest.raises(ZeroEffect):
        learned_mask(network.policy, pairs, kind="nodes", generator=torch.Generator())


def test_an_effect_that_cannot_be_told_from_zero():
    effect = np.array([[0.0, 0, 0, 0], [1, -1, 2, -2], [1, -1, 2, -2]])
    mixed = Curve((0, 1, 2), carried(effect, effect[2]))
    with pytest.raises(ZeroEffect, match="cannot be told from 0"):
        mixed.faithfulness(rng=np.random.default_rng(0))


def test_completeness_and_minimality_of_a_known_circuit():
    network, pairs, truth, _ = study("two coin paths", 8)
    rng = np.random.default_rng(0)
    whole = Circuit.of(network.policy, truth | network.edges)
    assert completeness(network.policy, pairs, whole, rng=rng, draws=6).value < 1e-5
    path = sorted(n for n in network.true_nodes("coin side") if n.hook == "block2.hook_conv")
    one = Circuit.of(network.policy, path[:1], universe=["block2.hook_conv"])
    assert completeness(network.policy, pairs, one, rng=rng, draws=6).value > 0.2  # the backup was left out
    coin, pairs, truth, _ = study("coin", 8)
    extra = next(e for e in ResidualGraph.of(coin.policy).edges(["block2.hook_conv"]) if e not in coin.edges)
    inflated = Circuit.of(coin.policy, {*coin.edges, extra})
    by_part = dict(zip(inflated.parts, minimality(coin.policy, pairs, inflated, rng=rng), strict=True))
    assert by_part[extra].value == pytest.approx(0, abs=1e-6)
    last = [e for e in truth if e.target.hook == "block2.res1.hook_branch"]
    assert all(by_part[e].value > 0.9 for e in last)
    p = minimality_tests(coin.policy, pairs, inflated, rng=rng, draws=20)
    assert p[extra] > 0.5
    assert all(p[e] < 0.06 for e in last)


def test_equivalence_and_independence():
    network, pairs, truth, _ = study("coin", 12)
    policy = network.policy
    everything = Circuit.of(policy, ResidualGraph.of(policy).edges())
    true, wrong = Circuit.of(policy, network.edges), Circuit.of(policy, sorted(truth)[:3])
    run = {name: run_circuit(policy, pairs, [one]) for name, one in {"true": true, "wrong": wrong}.items()}
    assert equivalence(run["wrong"], "movement").p < 0.01
    same = equivalence(run["true"], "movement")
    assert (same.p, same.estimate.value, same.estimate.n) == (1.0, 0.5, 12)
    rng = np.random.default_rng(0)
    rest = run_circuit(policy, pairs, [everything.without(true.parts)])
    assert independence(rest, "movement", rng=rng).p == 1.0
    other = run_circuit(policy, pairs, [everything.without([everything.parts[0]])])
    assert independence(other, "movement", rng=rng).p < 0.01


def carried(effect: np.ndarray, total: np.ndarray) -> Effects:
    effect = np.atleast_2d(effect)
    return Effects(
        parts=tuple(range(len(effect))), metrics=("m",), direction="denoise", replacement="zero", values=effect[None],
        start=np.zeros((1, len(total))), goal=total[None], levels=np.arange(len(total)),
    )  # fmt: skip


def test_rounding_is_no_evidence():
    network, pairs, _, _ = study("interference", 12)
    run = run_circuit(network.policy, pairs, [Circuit.of(network.policy, network.edges)])
    gap = run.total("movement") - run.effect("movement")[0]
    assert 0 < abs(gap).max() < 1e-4  # this network sums in another order than its circuit
    same = equivalence(run, "movement")
    assert (same.p, same.estimate.value, same.estimate.n) == (1.0, 0.5, 12)
    total, rng = np.linspace(1, 2, 20), np.random.default_rng(0)
    assert equivalence(carried(total - 1e-9, total), "m").p == 1.0
    assert equivalence(carried(total - 1e-3, total), "m").p < 0.01
    mostly = np.where(np.arange(20) < 6, total - 0.1, total + 1e-9)
    assert (equivalence(carried(mostly, total), "m").estimate.n) == 6
    assert independence(carried(1e-9 * total, total), "m", rng=rng).p == 1.0
    assert independence(carried(1e-3 * total, total), "m", rng=rng).p < 0.01


@pytest.mark.parametrize("kind", ["nodes", "edges"])
def test_resampled_values_are_drawn(kind):
    network, pairs, truth, _ = study("coin", 20)
    hooks = ["block2.hook_conv"]
    options = {"kind": kind, "universe": hooks, "ablation": "resample"}
    ranking = acdc(network.policy, pairs, rng=np.random.default_rng(0), **options)
    again = acdc(network.policy, pairs, rng=np.random.default_rng(0), **options)
    assert (ranking.scores == again.scores).all()
    kept = ranking.above(0.01)
    inside = {
        p for p in (network.true_nodes("coin side") if kind == "nodes" else truth) if hook_in_universe(p) in hooks
    }
    assert inside <= set(kept.parts)
    rng = np.random.default_rng(1)
    assert completeness(network.policy, pairs, kept, rng=rng, draws=4).value < 1e-4
    shares = dict(zip(kept.parts, minimality(network.policy, pairs, kept, rng=rng), strict=True))
    assert max(shares[part].value for part in inside) > 0.3
    assert set(minimality_tests(network.policy, pairs, kept, rng=rng, draws=4)) == set(kept.parts)
    with pytest.raises(CircuitError, match="resample"):
        acdc(network.policy, pairs, **options)


@pytest.mark.parametrize("threshold", [0.0, 0.05])
def test_above_the_threshold_is_what_pruning_ends_with(threshold):
    network, pairs, _, _ = study("two coin paths", 3)
    hooks = ["block2.hook_conv"]
    ranking = acdc(network.policy, pairs, kind="nodes", universe=hooks, threshold=threshold)
    left, parts = list(ranking.parts), ranking.parts
    alone = [run_circuit(network.policy, pairs, [ranking.empty.with_parts(left)])]
    scale = abs(alone[0].total("movement")).mean()
    for part in reversed(parts):  # one at a time, as published
        fewer = [other for other in left if other != part]
        run = run_circuit(network.policy, pairs, [ranking.empty.with_parts(fewer)])
        if abs(run.run - alone[-1].run).mean() / scale <= threshold:
            left = fewer
            alone.append(run)
    assert 0 < len(left) < len(parts)
    assert set(ranking.above(threshold).parts) == set(left)


def test_stability_counts_levels():
    rng = np.random.default_rng(0)
    clear = np.concatenate([np.full((3, 10), 5.0), rng.normal(0, 0.1, (9, 10))])
    found = stability([clear], np.arange(10), 3, rng=rng)
    assert (found.value, found.n, found.unit) == (1.0, 10, "levels")
    assert isinstance(found, stats.Estimate)
    noisy = stability([rng.normal(0, 1, (50, 10))], np.arange(10), 5, rng=rng)
    assert noisy.value < 0.9


def test_stability_chooses_as_the_ranking_does():
    # By the larger of the two means part 1 is best (3 against 2), by the mean of the larger part 0 (4 against 3).
    one, other = np.array([[4.0, 0], [-3, 3]]), np.array([[0.0, -4], [0, 0]])
    assert best([one, other], 1) == {1}
    found = stability([one, other], np.arange(2), 1, rng=np.random.default_rng(0), draws=400)
    assert found.value == pytest.approx(0.5, abs=0.1)  # both levels are drawn in half of the bootstraps
    network, pairs, _, _ = study("two coin paths")
    ranking = by_effects(network.policy, pairs, kind="nodes")
    both = [exact_effects(network.policy, pairs, ranking.parts, direction=way).effect() for way in DIRECTIONS]
    for size in (1, 3, 7, 20):
        assert best(both, size) == set(ranking.order[:size].tolist())
    with pytest.raises(CircuitError, match="shapes"):
        stability(one, np.arange(2), 1, rng=np.random.default_rng(0))


def test_a_share_that_no_size_has():
    def made(*rows: float) -> Curve:
        total = np.array([1.0, 3])
        effect = np.array(rows)[:, None] * total
        return Curve((0, 1, 2), carried(effect, total))

    assert smallest([made(0, 0.8 - 1e-8, 1)]) == 1
    assert smallest([made(0, 0.9, 1), made(0, 0.7, 1)]) == 2
    with pytest.raises(CircuitError, match=r"the most is 0\.7, with 1 parts"):
        smallest([made(0, 0.7, 0.5)])
    tiny = Curve((0, 1), carried(np.array([[0, 0], [1e-8, 2e-8]]), np.array([1e-8, 2e-8])))
    with pytest.raises(ZeroEffect, match="2 of 2 pairs have none"):
        tiny.values()


def test_random_circuits_match_hook_by_hook():
    network = planted_network("coin")
    graph = ResidualGraph.of(network.policy)
    nodes = [*graph.nodes(["block1.hook_conv"])[:3], *graph.nodes(["hidden.hook_pre"])[:5]]
    for one in matched_random_circuits(network.policy, Circuit.of(network.policy, nodes), 4, np.random.default_rng(0)):
        assert sum(part.hook == "block1.hook_conv" for part in one.parts) == 3
        assert len(one) == 8


def test_rankings_and_comparisons():
    network = planted_network("coin")
    parts = ResidualGraph.of(network.policy).nodes(["block1.hook_conv"])
    empty = Circuit.of(network.policy, (), kind="nodes", universe=["block1.hook_conv"])
    ranking = Ranking("made up", parts, np.array([0, 3, 1, 1, 5, 0, 0, 2.0]), empty)
    assert [part.channel for part in ranking.circuit(3).parts] == [1, 4, 7]
    assert len(ranking.above(1)) == 3
    truth = {parts[4], parts[2]}
    # 4 beats all six others; 2 beats 0, 5, 6, ties with 3, loses to 1 and 7
    assert ranking.auroc(truth) == pytest.approx((6 + 3.5) / 12)
    assert ranking.auroc(truth, undecided={parts[1], parts[7]}) == pytest.approx((4 + 3.5) / 8)
    match = compare(ranking.circuit(3), truth)
    assert (match.precision, match.recall, match.jaccard) == (1 / 3, 1 / 2, 1 / 4)
    with pytest.raises(CircuitError, match="true parts and others"):
        ranking.auroc(set())
    with pytest.raises(CircuitError, match="empty circuit"):
        compare(set(), truth)
    with pytest.raises(CircuitError, match="9 parts out of 8"):
        ranking.circuit(9)


def test_sizes_grow_by_ratio():
    assert growing(100, 5) == (0, 1, 3, 10, 32, 100)
    assert growing(2)[-1] == 2
