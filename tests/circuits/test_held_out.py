"""The smallest sufficient circuit, approximate rankings, path patching and comparison, on planted networks."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp.circuits import (
    CircuitError,
    FramePairs,
    ZeroEffect,
    by_attribution,
    by_effects,
    by_paths,
    compare,
    run_alone,
    stream,
    sufficient,
)
from mechinterp.circuits.faithfulness import DIRECTIONS
from mechinterp.circuits.planted import planted
from tests.circuits.test_discovery import scenes, study


def halves(count: int) -> tuple[FramePairs, FramePairs]:
    one, other = scenes(count, seed=0), scenes(count, seed=1)
    return one, FramePairs(other.clean, other.corrupted, other.levels + count)


@pytest.mark.parametrize("kind", ["nodes", "edges"])
def test_the_smallest_circuit_is_the_planted_one_and_no_part_less_would_do(kind):
    network, (choose, report) = planted("coin"), halves(8)
    ranking = by_effects(network.policy, choose, kind=kind)
    found = sufficient(network.policy, choose, report, ranking, rng=np.random.default_rng(0), draws=3)
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
        run_alone(network.policy, choose, [ranking.circuit(size - 1)], direction=way).shares(
            "movement", rng=np.random.default_rng(0)
        )
        for way in DIRECTIONS
    ]
    assert min(share[0].value for share in fewer) < 0.8
    assert found.total.value == pytest.approx(found.ways["denoise"].curve.total.mean())


def test_random_circuits_at_the_chosen_size_alone():
    network, (choose, report) = planted("coin"), halves(6)
    ranking = by_effects(network.policy, choose, kind="nodes", universe=stream(network.policy))
    found = sufficient(
        network.policy, choose, report, ranking, rng=np.random.default_rng(0), draws=2, beside="chosen size"
    )
    with_null = [size for size, share in found.ways["noise"].faithfulness.items() if share.null is not None]
    assert with_null == [len(found.circuit)]


def test_where_there_is_no_effect_there_is_no_circuit_and_it_says_why():
    network, (choose, report) = planted("right"), halves(6)
    ranking = by_effects(network.policy, choose, kind="nodes")
    found = sufficient(network.policy, choose, report, ranking, rng=np.random.default_rng(0))
    assert found.circuit is None
    assert "where circuits are chosen, none of the 6 pairs has an effect on 'movement'" in found.why
    assert (found.total.value, found.total.n, dict(found.ways)) == (0, 6, {})


def test_what_is_refused():
    network, (choose, report) = planted("coin"), halves(4)
    ranking = by_effects(network.policy, choose, kind="nodes", universe=["block2.hook_conv"])
    rng = np.random.default_rng(0)
    with pytest.raises(CircuitError, match="share levels"):
        sufficient(network.policy, choose, choose, ranking, rng=rng)
    with pytest.raises(CircuitError, match="draws must be 1 or more"):
        sufficient(network.policy, choose, report, ranking, rng=rng, draws=0)
    with pytest.raises(CircuitError, match="way must be one of"):
        by_attribution(network.policy, choose, kind="nodes", rng=rng, way="up")
    with pytest.raises(ZeroEffect, match="nothing for a path to carry"):
        by_paths(planted("right").policy, choose)


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


def test_path_patching_finds_both_of_two_redundant_paths():
    network, pairs, truth, undecided = study("two coin paths", 4)
    ranking = by_paths(network.policy, pairs)
    assert ranking.auroc(truth, undecided=undecided) >= 0.99
    found = set(ranking.above(0).parts)
    assert truth <= found <= network.edges | undecided


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
