"""The smallest sufficient circuit, approximate rankings, path patching and comparison, on planted networks."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp.circuits import (
    DIRECTIONS,
    CircuitError,
    FramePairs,
    Ranking,
    ZeroEffect,
    acdc,
    by_attribution,
    by_effects,
    compare,
    curve,
    minimal_faithful_circuit,
    path_patching,
    run_circuit,
    smallest,
)
from mechinterp.circuits.circuit import Circuit
from mechinterp.circuits.planted import planted_network
from mechinterp.policies import stage_writers
from tests.circuits.test_discovery import scenes, study


def halves(count: int) -> tuple[FramePairs, FramePairs]:
    one, other = scenes(count, seed=0), scenes(count, seed=1)
    return one, FramePairs(other.clean, other.corrupted, other.levels + count)


@pytest.mark.parametrize("kind", ["nodes", "edges"])
def test_the_smallest_circuit_is_the_planted_one_and_no_part_less_would_do(kind):
    network, (choose, report) = planted_network("coin"), halves(8)
    ranking = by_effects(network.policy, choose, kind=kind)
    found = minimal_faithful_circuit(network.policy, choose, report, ranking, rng=np.random.default_rng(0), draws=3)
    assert found.circuit is not None
    truth = network.true_nodes("coin side") if kind == "nodes" else network.truth("coin side")
    assert set(found.circuit.parts) <= set(truth) | network.used | network.edges
    size = len(found.circuit)
    for way in DIRECTIONS:
        assert found.ways[way].chosen.value > 0.8
        assert found.ways[way].chosen.null is not None
        assert abs(found.ways[way].random.value) < 0.2
        assert found.ways[way].faithfulness[size] == found.ways[way].chosen
    fewer = [
        run_circuit(network.policy, choose, [ranking.circuit(size - 1)], direction=way).shares(
            "movement", rng=np.random.default_rng(0)
        )
        for way in DIRECTIONS
    ]
    assert min(share[0].value for share in fewer) < 0.8
    assert found.total.value == pytest.approx(found.ways["denoise"].curve.total.mean())


def test_the_size_is_chosen_on_the_levels_to_choose_on():
    """A coin on either side needs the units of both; a coin on the right or none those of one side alone."""
    network, choose, other = planted_network("coin"), scenes(6), scenes(6, seed=1, variable="coin present")
    report = FramePairs(other.clean, other.corrupted, other.levels + 6)
    ranking = by_effects(network.policy, choose, kind="nodes")
    found = minimal_faithful_circuit(network.policy, choose, report, ranking, rng=np.random.default_rng(0), draws=1)
    sizes = range(len(ranking.parts) + 1)

    def by_brute_force(pairs):
        return smallest([curve(network.policy, pairs, ranking, sizes=sizes, direction=way) for way in DIRECTIONS])

    assert len(found.circuit) == by_brute_force(choose) != by_brute_force(report)
    assert found.passed
    shares = found.ways["noise"].faithfulness
    assert set(shares) < set(sizes)


def test_random_circuits_run_in_their_own_direction_and_are_averaged(redundant, monkeypatch):
    """Of two redundant paths one is enough, denoising, and none is needed, noising; one of three draws has both."""
    network, choose = redundant
    other = scenes(4, seed=1, variable="coin present")
    report = FramePairs(other.clean, other.corrupted, other.levels + 4)
    ranking = by_effects(network.policy, choose, kind="nodes", universe=stage_writers(network.policy))
    coin = network.channels["coin"]
    draws = [ranking.empty.with_parts([n for n in ranking.parts if n not in gone]) for gone in ((), coin[1:2], coin)]
    monkeypatch.setattr("mechinterp.circuits.minimal.matched_random_circuits", lambda policy, one, count, rng: draws)
    found = minimal_faithful_circuit(
        network.policy, choose, report, ranking, rng=np.random.default_rng(0), draws=3, band=0
    )
    wanted = {}
    for way in DIRECTIONS:
        run = run_circuit(network.policy, report, draws, direction=way)
        each = run.effect("movement").mean(1) / run.total("movement").mean()
        wanted[way] = each.mean()
        assert found.ways[way].random.value == pytest.approx(wanted[way], abs=1e-5)
        assert found.ways[way].chosen.null.value == pytest.approx(wanted[way], abs=1e-5)
        assert abs(each[0] - wanted[way]) > 0.2
    assert wanted["denoise"] - wanted["noise"] > 0.2


def test_circuits_whose_outside_is_resampled():
    network, (choose, report) = planted_network("coin"), halves(24)
    exact = by_effects(network.policy, choose, kind="nodes", universe=stage_writers(network.policy))
    empty = Circuit.of(network.policy, (), kind="nodes", universe=stage_writers(network.policy), ablation="resample")
    ranking = Ranking("exact effects", exact.parts, exact.scores, empty)
    options = {"draws": 1, "band": 0}
    found = minimal_faithful_circuit(network.policy, choose, report, ranking, rng=np.random.default_rng(3), **options)
    assert found.circuit is not None, found.why
    assert found.circuit.ablation == "resample"
    assert set(found.circuit.parts) <= network.used
    for way in DIRECTIONS:  # the same frames at every size: the whole network has all of the effect
        assert found.ways[way].faithfulness[len(ranking.parts)].value == pytest.approx(1, abs=1e-4)


def test_random_circuits_at_the_chosen_size_alone():
    network, (choose, report) = planted_network("coin"), halves(6)
    ranking = by_effects(network.policy, choose, kind="nodes", universe=stage_writers(network.policy))
    found = minimal_faithful_circuit(
        network.policy, choose, report, ranking, rng=np.random.default_rng(0), draws=2, band=0
    )
    with_null = [size for size, share in found.ways["noise"].faithfulness.items() if share.null is not None]
    assert with_null == [len(found.circuit)]


def test_where_there_is_no_effect_there_is_no_circuit_and_it_says_why():
    network, (choose, report) = planted_network("right"), halves(6)
    ranking = by_effects(network.policy, choose, kind="nodes")
    found = minimal_faithful_circuit(network.policy, choose, report, ranking, rng=np.random.default_rng(0))
    assert found.circuit is None
    assert "where circuits are chosen, none of the 6 pairs has an effect on 'movement'" in found.why
    assert (found.total.value, found.total.n, dict(found.ways)) == (0, 6, {})


def test_what_is_refused():
    network, (choose, report) = planted_network("coin"), halves(4)
    ranking = by_effects(network.policy, choose, kind="nodes", universe=["block2.hook_conv"])
    rng = np.random.default_rng(0)
    with pytest.raises(CircuitError, match="share levels"):
        minimal_faithful_circuit(network.policy, choose, choose, ranking, rng=rng)
    with pytest.raises(CircuitError, match="draws must be 1 or more and band 0 or more"):
        minimal_faithful_circuit(network.policy, choose, report, ranking, rng=rng, draws=0)
    for share in (0, -1, np.nan, np.inf):
        with pytest.raises(CircuitError, match="share must be above 0"):
            minimal_faithful_circuit(network.policy, choose, report, ranking, rng=rng, share=share)
    with pytest.raises(CircuitError, match=r"pairs to choose on need their levels, FramePairs\(clean"):
        minimal_faithful_circuit(network.policy, (choose.clean, choose.corrupted), report, ranking, rng=rng)
    for threshold in (np.nan, -1):
        with pytest.raises(CircuitError, match="threshold must be"):
            path_patching(network.policy, choose, threshold=threshold)
        with pytest.raises(CircuitError, match="threshold must be"):
            acdc(network.policy, choose, kind="nodes", threshold=threshold)
    with pytest.raises(CircuitError, match="way must be one of"):
        by_attribution(network.policy, choose, kind="nodes", rng=rng, way="up")
    with pytest.raises(ZeroEffect, match="nothing for a path to carry"):
        path_patching(planted_network("right").policy, choose)


@pytest.mark.parametrize("kind", ["nodes", "edges"])
def test_approximate_rankings_find_a_single_path_and_say_how_they_agree(kind):
    network, pairs, truth, undecided = study("coin", 6)
    ranking = by_attribution(network.policy, pairs, kind=kind, rng=np.random.default_rng(0))
    inner = set(ranking.parts)
    truth = network.true_nodes("coin side") & inner if kind == "nodes" else truth
    undecided = (network.used & inner) - truth if kind == "nodes" else undecided
    assert ranking.auroc(truth, undecided=undecided) >= 0.99
    assert [found.name for found in ranking.agreement] == ["denoise: rank correlation", "noise: rank correlation"]
    assert min(found.value for found in ranking.agreement) > 0.3


@pytest.fixture(scope="module")
def redundant():
    """A coin on the right against none, of which either of two paths is enough."""
    return planted_network("two coin paths"), scenes(4, variable="coin present")


def test_path_patching_finds_both_of_two_redundant_paths_by_the_larger_of_both_ways(redundant):
    network, pairs = redundant
    truth, undecided = network.truth("coin on the right"), network.undecided("coin on the right")
    found = path_patching(network.policy, pairs)
    assert found.auroc(truth, undecided=undecided) >= 0.99
    assert truth <= set(found.above(0.01).parts) <= network.edges
    # One way would not do: red alone is no coin without green, when it is put in; nor when it is taken out, where the
    # two sides of the pairs are exchanged.
    lost = truth - set(path_patching(network.policy, pairs, way="denoise").above(0.01).parts)
    assert {edge.source.hook for edge in lost} == {"hook_input"}
    exchanged = path_patching(network.policy, FramePairs(pairs.corrupted, pairs.clean))
    np.testing.assert_allclose(exchanged.scores, found.scores, atol=1e-4)


def test_what_redundancy_does_to_other_methods(redundant):
    """Noising, neither path shows; pruning keeps one of the two."""
    network, pairs = redundant
    _, by_skip, _, by_branch = network.channels["coin"]
    universe = ["block2.hook_conv"]
    scores = {}
    for way in DIRECTIONS:
        ranking = by_effects(network.policy, pairs, kind="nodes", universe=universe, way=way)
        scores[way] = {part: ranking.scores[i] for i, part in enumerate(ranking.parts)}
    assert min(scores["denoise"][by_skip], scores["denoise"][by_branch]) > 1
    assert max(scores["noise"][by_skip], scores["noise"][by_branch]) < 1e-4
    pruned = acdc(network.policy, pairs, kind="nodes", universe=universe)
    assert len(set(pruned.above(0.01).parts) & {by_skip, by_branch}) == 1


def test_path_patching_follows_no_route_that_carries_less_than_the_threshold():
    network, pairs, truth, _ = study("coin", 2)
    short = path_patching(network.policy, pairs, threshold=10.0)
    scored = {edge.target.hook for edge in short.above(0).parts}
    assert scored <= {"hook_logits", "hook_value"}
    assert {edge.target.hook for edge in truth} > {"hook_logits"}


def test_a_comparison_names_what_differs():
    network, pairs, _, _ = study("coin", 3)
    ranking = by_effects(network.policy, pairs, kind="edges")
    small, large = ranking.circuit(4), ranking.circuit(7)
    match = compare(small, large)
    assert (match.precision, match.recall, match.jaccard) == (1, 4 / 7, 4 / 7)
    assert set(match.shared) == set(small.parts)
    assert match.only_one == ()
    assert set(match.only_other) == set(large.parts) - set(small.parts)
    text = str(match)
    assert "Jaccard 0.57" in text
    assert all(str(edge) in text for edge in match.only_other)
    assert "only in the one" not in text
    with pytest.raises(CircuitError, match="nodes can be compared with nodes"):
        compare(small, small.nodes)
