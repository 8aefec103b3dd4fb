"""What is handed in wrongly, or was damaged on its way, is refused in the library's own words."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from mechinterp.circuits import (
    AttributionEffects,
    BudgetTooSmall,
    Circuit,
    CircuitError,
    Edge,
    Effects,
    Node,
    ResidualGraph,
    attribution_patching,
    edge_effects,
    patch,
    path_effects,
    run_circuit,
)
from mechinterp.circuits.sweeps import PatchingSweep, patching_sweep
from mechinterp.errors import MechinterpError
from mechinterp.interventions import Site
from mechinterp.stats import StatsError
from tests.circuits.conftest import local_pairs

HOOK = "block1.hook_conv"


@pytest.fixture(scope="module")
def whole(impala):
    return Circuit.of(impala, ResidualGraph.of(impala).nodes([HOOK, "hidden.hook_pre"])[2:])


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
    np.testing.assert_array_equal(run_circuit(impala, pairs, [again]).run, run_circuit(impala, pairs, [whole]).run)
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
            run_circuit(impala, pairs, [one])
    np.testing.assert_array_equal(run_circuit(impala, pairs, whole).run, run_circuit(impala, pairs, [whole]).run)
    with pytest.raises(CircuitError, match="run_circuit takes circuits"):
        run_circuit(impala, pairs, [HOOK])


def test_universes(impala):
    with pytest.raises(CircuitError, match="cannot be empty"):
        Circuit.of(impala, (), kind="nodes", universe=[])
    for hook in ("hook_value", "hook_logits", "block1.hook_pool"):
        with pytest.raises(CircuitError, match="some layer reads"):
            Circuit.of(impala, (), kind="nodes", universe=[hook])
    with pytest.raises(CircuitError, match="a layer writes"):
        Circuit.of(impala, (), kind="edges", universe=["hook_input"])
    assert Circuit.of(impala, (), kind="edges", universe="hook_value").size == 7
    assert Circuit.of(impala, (), kind="nodes", universe=HOOK).universe == (HOOK,)
    assert Circuit.of(impala, (), kind="nodes", universe=["hook_input"]).size == 3


def test_damaged_results(impala):
    pairs, sites = local_pairs(2), [Site(HOOK, c) for c in range(3)] + [Site("block2.hook_conv", 0)] * 2
    rng = np.random.default_rng(0)
    effects, found = patch(impala, pairs, sites), attribution_patching(impala, pairs, sites, rng=rng)
    for kind, text in ((Effects, effects.to_json()), (AttributionEffects, found.to_json())):
        assert kind.from_json(text).levels.tolist() == pairs.levels.tolist()
        for change in ({"levels": [2**70, 0]}, {"levels": 3}, {"metrics": 5}, {"parts": [1]}):
            with pytest.raises(CircuitError, match="no JSON of"):
                kind.from_json(json.dumps(json.loads(text) | change))
    pairs = local_pairs(8)
    halves = [type(pairs)(pairs.clean[s], pairs.corrupted[s], pairs.levels[s]) for s in (slice(0, 4), slice(4, 8))]
    data = patching_sweep(impala, *halves, sites, rng=rng, top=2).to_dict()
    assert PatchingSweep.from_dict(data).to_dict() == data
    for change in ({"ranked": [[1], [1, 2]]}, {"top": [2**70]}, {"total": {**data["total"], "low": 1e9}}):
        with pytest.raises(CircuitError, match="no JSON of a patching sweep"):
            PatchingSweep.from_dict(data | change)


def test_numbers_and_lists_from_a_notebook(impala):
    assert Node(HOOK, np.int64(2)) == Node(HOOK, 2)
    assert type(Node(HOOK, np.uint8(2)).channel) is int
    for channel in (np.float64(1), "1", None, True, np.bool_(True), -1):
        with pytest.raises(CircuitError, match="whole number from 0"):
            Node(HOOK, channel)
    pairs, site = local_pairs(2), Site(HOOK, 0)
    expected = patch(impala, (pairs.clean, pairs.corrupted), site).run
    np.testing.assert_array_equal(patch(impala, [pairs.clean, pairs.corrupted], site).run, expected)
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
            lambda m: run_circuit(impala, pairs, [Circuit.of(impala, [Node(HOOK, 0)])], memory=m),
            lambda m: attribution_patching(impala, pairs, [site] * 5, rng=np.random.default_rng(0), memory=m),
        ):
            with pytest.raises(CircuitError, match="whole number of bytes"):
                make(memory)
    for metrics in ({"mine": 3}, {"mine": None}, {"mine": "movment"}, [], None, 3):
        with pytest.raises(CircuitError, match="metric"):
            patch(impala, pairs, site, metrics=metrics)
    for sites in (HOOK, [HOOK], [site, None]):
        with pytest.raises(CircuitError, match=r"Site\("):
            patch(impala, pairs, sites)
    for edges in (route, [route]):
        with pytest.raises(CircuitError, match=r"Edge\.parse"):
            edge_effects(impala, pairs, edges)


def test_edges_count_every_layer_in_their_memory(impala):
    graph = ResidualGraph.of(impala)
    one = Circuit.of(impala, graph.edges([HOOK])[:2])
    with pytest.raises(BudgetTooSmall) as error:
        run_circuit(impala, local_pairs(2), [one], memory=1)
    names = [name for layer in graph.layers for name in (layer.reads, *[layer.hook] * 3)]
    held = 4 * sum(int(np.prod(impala.shapes[name])) for name in [*names, *graph.writers])
    assert held < error.value.needed < 4 * held


@pytest.mark.parametrize("sites", [3, None, "block1.hook_conv", [3], (Site(HOOK, 0), "x")], ids=str)
def test_what_is_no_list_of_sites_is_refused(impala, sites):
    for measure in (patch, attribution_patching):
        if sites is not None:
            with pytest.raises(CircuitError, match="sites are a list of Site"):
                measure(impala, local_pairs(2), sites)


def test_sites_may_come_from_a_generator(impala):
    sites = [Site(HOOK, channel) for channel in range(3)]
    found = patch(impala, local_pairs(2), (site for site in sites))
    assert found.parts == tuple(sites)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": ""}, "by channel, layer or position, not ''"),
        ({"sites": Site(HOOK, 0), "replacement": "mean", "reference": 3}, "reference frames must be uint8"),
        ({"sites": Site(HOOK, 0), "replacement": "resample", "rng": 3}, "rng must be a numpy.random.Generator"),
        ({"sites": Site(HOOK, 0), "rng": 3}, "rng must be a numpy.random.Generator"),
    ],
    ids=str,
)
def test_options_of_patch_of_another_kind(impala, options, message):
    with pytest.raises(MechinterpError, match=message):
        patch(impala, local_pairs(2), **options)


def test_effects_say_how_they_are_chosen_from(impala):
    found = patch(impala, local_pairs(4), [Site(HOOK, channel) for channel in range(3)])
    for k in (None, 1.5, "3", float("nan"), 0):
        with pytest.raises(CircuitError, match="top: at least 1 part"):
            found.top(k)
    for pairs in (3, "x", [0, 4], [True], [0.5], None):
        with pytest.raises(CircuitError, match="select: give a mask of the 4 pairs, or positions"):
            found.select(pairs)
    for pairs in ([], np.zeros(4, bool)):
        with pytest.raises(CircuitError, match="select: none of the 4 pairs was chosen"):
            found.select(pairs)
    for parts in (3, "x", None):
        with pytest.raises(CircuitError, match="only: give a list of positions, labels or parts"):
            found.only(parts)
    with pytest.raises(StatsError, match=r"Generator, e\.g\. np\.random\.default_rng\(0\)"):
        found.estimates(rng=3)
    assert found.select(np.array([-1, 0])).levels.tolist() == [1, 0]


@pytest.mark.parametrize("circuits", [None, 3, ["x"]], ids=str)
def test_what_is_no_circuit_is_not_run(impala, circuits):
    with pytest.raises(CircuitError, match="run_circuit takes circuits"):
        run_circuit(impala, local_pairs(2), circuits)


def test_attribution_takes_a_generator_and_no_seed(impala):
    with pytest.raises(CircuitError, match=r"rng must be a numpy\.random\.Generator"):
        attribution_patching(impala, local_pairs(2), rng=3)


@pytest.mark.parametrize("path", [None, 3], ids=str)
def test_effects_are_loaded_from_a_path(path):
    with pytest.raises(CircuitError, match="effects are loaded from a path"):
        Effects.load(path)
