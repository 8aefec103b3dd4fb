"""What is handed in wrongly, or was damaged on its way, is refused in the library's own words."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from mechinterp.circuits import (
    Attribution,
    BudgetTooSmall,
    Circuit,
    CircuitError,
    Edge,
    Node,
    PatchEffects,
    PatchSite,
    ResidualGraph,
    attribute,
    edge_effects,
    patch,
    path_effects,
    run_alone,
)
from mechinterp.circuits.circuit import circuit
from mechinterp.circuits.survey import Survey, survey
from tests.circuits.conftest import local_pairs

HOOK = "block1.hook_conv"


@pytest.fixture(scope="module")
def whole(impala):
    return circuit(impala, ResidualGraph.of(impala).nodes([HOOK, "hidden.hook_pre"])[2:])


@pytest.mark.parametrize(
    "change",
    [
        {"size": 3.5},
        {"size": "9"},
        {"size": True},
        {"size": -1},
        {"policy": 7},
        {"universe": HOOK},
        {"universe": [1]},
        {"universe": None},
        {"universe": []},
        {"parts": [5]},
        {"parts": ["block1.hook_conv[0]"] * 2},
        {"kind": ["nodes"]},
    ],
    ids=str,
)
def test_text_that_is_no_circuit(whole, change):
    with pytest.raises(CircuitError):
        Circuit.from_json(json.dumps(json.loads(whole.to_json()) | change))


def test_a_damaged_circuit_is_not_run(impala, whole):
    pairs = local_pairs(2)
    again = Circuit.from_json(whole.to_json())
    np.testing.assert_array_equal(run_alone(impala, pairs, [again]).run, run_alone(impala, pairs, [whole]).run)
    damaged = {
        "has 3 channels": replace(whole, parts=(Node(HOOK, 99),)),
        "damaged circuit": replace(whole, universe=whole.universe[::-1]),
        "size 4000": replace(whole, size=4000),
        "did you mean 'block1.hook_conv'": replace(whole, universe=("blok1.hook_conv",), parts=()),
        "cannot be empty": replace(whole, universe=(), parts=(), size=0),
        "some layer reads": replace(whole, universe=("hook_value",), parts=(), size=1),
    }
    for message, one in damaged.items():
        with pytest.raises(CircuitError, match=message):
            run_alone(impala, pairs, [one])
    with pytest.raises(CircuitError, match="write \\[one\\]"):
        run_alone(impala, pairs, whole)


def test_universes(impala):
    with pytest.raises(CircuitError, match="cannot be empty"):
        circuit(impala, (), kind="nodes", universe=[])
    for hook in ("hook_value", "hook_logits", "block1.hook_pool"):
        with pytest.raises(CircuitError, match="some layer reads"):
            circuit(impala, (), kind="nodes", universe=[hook])
    with pytest.raises(CircuitError, match="a layer writes"):
        circuit(impala, (), kind="edges", universe=["hook_input"])
    assert circuit(impala, (), kind="edges", universe="hook_value").size == 7
    assert circuit(impala, (), kind="nodes", universe=HOOK).universe == (HOOK,)
    assert circuit(impala, (), kind="nodes", universe=["hook_input"]).size == 3


def test_damaged_results(impala):
    pairs, sites = local_pairs(2), [PatchSite(HOOK, c) for c in range(3)] + [PatchSite("block2.hook_conv", 0)] * 2
    rng = np.random.default_rng(0)
    effects, found = patch(impala, pairs, sites), attribute(impala, pairs, sites, rng=rng)
    for kind, text in ((PatchEffects, effects.to_json()), (Attribution, found.to_json())):
        assert kind.from_json(text).levels.tolist() == pairs.levels.tolist()
        for change in ({"levels": [2**70, 0]}, {"levels": 3}, {"metrics": 5}, {"sites": [1], "parts": [1]}):
            with pytest.raises(CircuitError, match="no JSON of"):
                kind.from_json(json.dumps(json.loads(text) | change))
    pairs = local_pairs(8)
    halves = [type(pairs)(pairs.clean[s], pairs.corrupted[s], pairs.levels[s]) for s in (slice(0, 4), slice(4, 8))]
    data = survey(impala, *halves, sites, rng=rng, top=2).to_dict()
    assert Survey.from_dict(data).to_dict() == data
    for change in ({"ranked": [[1], [1, 2]]}, {"top": [2**70]}, {"total": {**data["total"], "low": 1e9}}):
        with pytest.raises(CircuitError, match="no survey"):
            Survey.from_dict(data | change)


def test_numbers_and_lists_from_a_notebook(impala):
    assert Node(HOOK, np.int64(2)) == Node(HOOK, 2)
    assert type(Node(HOOK, np.uint8(2)).channel) is int
    for channel in (np.float64(1), "1", None, True, np.bool_(True), -1):
        with pytest.raises(CircuitError, match="whole number from 0"):
            Node(HOOK, channel)
    pairs, site = local_pairs(2), PatchSite(HOOK, 0)
    expected = patch(impala, (pairs.clean, pairs.corrupted), site).patched
    np.testing.assert_array_equal(patch(impala, [pairs.clean, pairs.corrupted], site).patched, expected)
    route = f"{HOOK}[0] -> block1.res1.hook_conv1[1]"
    one, many = (path_effects(impala, pairs, routes).run for routes in (route, [route]))
    np.testing.assert_array_equal(one, many)
    assert edge_effects(impala, pairs, Edge.parse(route)).run.shape == (1, 1, 2)
    for wrong, message in (([pairs.clean], "got 1"), (pairs.clean, "has no clean"), (None, "has no clean")):
        with pytest.raises(CircuitError, match=message):
            patch(impala, wrong, site)
    for memory in (1e9, None, "1 GiB"):
        for make in (
            lambda m: patch(impala, pairs, site, memory=m),
            lambda m: run_alone(impala, pairs, [circuit(impala, [Node(HOOK, 0)])], memory=m),
            lambda m: attribute(impala, pairs, [site] * 5, rng=np.random.default_rng(0), memory=m),
        ):
            with pytest.raises(CircuitError, match="whole number of bytes"):
                make(memory)
    for metrics in ({"mine": 3}, {"mine": None}, lambda logits, value: value, None, 3):
        with pytest.raises(CircuitError, match="metric"):
            patch(impala, pairs, site, metrics=metrics)
    for sites in (HOOK, [HOOK], [site, None]):
        with pytest.raises(CircuitError, match="PatchSite"):
            patch(impala, pairs, sites)
    for edges in (route, [route]):
        with pytest.raises(CircuitError, match=r"Edge\.parse"):
            edge_effects(impala, pairs, edges)


def test_edges_count_every_layer_in_their_memory(impala):
    graph = ResidualGraph.of(impala)
    one = circuit(impala, graph.edges([HOOK])[:2])
    with pytest.raises(BudgetTooSmall) as error:
        run_alone(impala, local_pairs(2), [one], memory=1)
    names = [name for layer in graph.layers for name in (layer.reads, *[layer.hook] * 3)]
    held = 4 * sum(int(np.prod(impala.shapes[name])) for name in [*names, *graph.writers])
    assert held < error.value.needed < 4 * held
