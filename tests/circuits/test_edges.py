"""Edges, routes and circuits against the slow way of computing them, on every architecture."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mechinterp.circuits import BudgetTooSmall, CircuitError, Route
from mechinterp.circuits.circuit import Circuit
from mechinterp.circuits.graph import ResidualGraph, edge_weight
from mechinterp.circuits.nodes import Edge, Node
from mechinterp.circuits.routes import edge_effects, path_effects, written_out
from mechinterp.circuits.running import run_circuit
from mechinterp.policies.actions import movement_logodds
from tests.circuits import plainly
from tests.circuits.conftest import CONFIGS, lively, local_pairs

MIXED = {"movement": "movement", "value": "value", "first": lambda logits, value: logits[:, 0] + 0.5 * value}


@pytest.fixture(params=CONFIGS)
def double(request):
    return lively(request.param).double()


@pytest.fixture(scope="module")
def light():
    return lively("light").double()


def frames(pairs, direction):
    sides = (pairs.corrupted, pairs.clean) if direction == "denoise" else (pairs.clean, pairs.corrupted)
    return [torch.from_numpy(side.copy()) for side in sides]


def numbers(policy, output) -> np.ndarray:
    rows = (movement_logodds(output.logits, policy.actions), output.value, output.logits[:, 0] + 0.5 * output.value)
    return torch.stack(rows).detach().double().numpy()


def some(parts, count, rng):
    parts = list(parts)
    return [parts[i] for i in sorted(rng.choice(len(parts), min(count, len(parts)), replace=False))]


def test_the_residual_graph_of_impala():
    graph = ResidualGraph.of(lively("impala"))
    reads = {layer.hook: layer.writers for layer in graph.layers}
    assert reads["block1.hook_conv"] == ("hook_input",)
    assert reads["block1.res2.hook_conv1"] == ("block1.hook_conv", "block1.res1.hook_branch")
    stream = ("block2.hook_conv", "block2.res1.hook_branch", "block2.res2.hook_branch")
    assert reads["hidden.hook_pre"] == stream
    assert reads["hook_value"] == reads["hook_logits"] == ("hidden.hook_pre",)
    assert "hook_input" not in graph.inner
    assert "hook_logits" not in graph.inner
    assert len(graph.edges(["hidden.hook_pre"])) == 3 * 5 * 7


def test_edges_carry_the_weights_of_their_layer():
    policy = lively("distill")
    conv = edge_weight(policy, Edge.parse("layer1a.hook_conv[1] -> layer2a.hook_conv[0]"))
    torch.testing.assert_close(conv, policy.get_submodule("layer2a.conv").weight[0, 1])
    flat = edge_weight(policy, Edge.parse("layer4a.hook_conv[2] -> hidden1.hook_pre[3]"))
    weight = policy.get_submodule("hidden1.linear").weight
    torch.testing.assert_close(flat, weight[3].reshape(3, 4, 4)[2])
    single = edge_weight(policy, Edge.parse("hidden1.hook_pre[4] -> hidden2.hook_pre[1]"))
    assert single.item() == policy.get_submodule("hidden2.linear").weight[1, 4].item()


@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_direct_effects_are_those_of_brute_force(double, direction):
    pairs, rng = local_pairs(3), np.random.default_rng(1)
    graph = ResidualGraph.of(double)
    edges = [edge for layer in graph.layers for edge in some(graph.edges([layer.hook]), 6, rng)]
    found = edge_effects(double, pairs, edges, direction=direction, metrics=MIXED)
    base, other = frames(pairs, direction)
    donor = plainly.everything(double, other)
    for i, edge in enumerate(edges):
        slow = numbers(double, plainly.direct_effect(double, base, donor, edge))
        np.testing.assert_allclose(found.run[:, i], slow, rtol=0, atol=1e-9, err_msg=str(edge))
    assert np.abs(found.effect("first")).max() > 1e-3
    np.testing.assert_allclose(found.start, numbers(double, double(base)), atol=1e-12)
    np.testing.assert_allclose(found.goal, numbers(double, double(other)), atol=1e-12)


def test_zeroed_edges_and_small_memory(light):
    pairs = local_pairs(5)
    edges = some(ResidualGraph.of(light).edges(), 12, np.random.default_rng(0))
    whole = edge_effects(light, pairs, edges, replacement="zero")
    small = edge_effects(light, pairs, edges, replacement="zero", memory=4_000_000)
    np.testing.assert_allclose(small.run, whole.run, atol=1e-12)
    base, other = frames(pairs, "denoise")
    zeros = {name: torch.zeros_like(v) for name, v in plainly.everything(light, other).items()}
    for i, edge in enumerate(edges):
        slow = numbers(light, plainly.direct_effect(light, base, zeros, edge))[0]
        np.testing.assert_allclose(whole.run[0, i], slow, atol=1e-9)
    with pytest.raises(BudgetTooSmall, match="memory=") as error:
        edge_effects(light, pairs, edges, memory=1000)
    edge_effects(light, pairs, edges[:2], memory=error.value.needed)


def test_a_route_of_one_edge_is_its_direct_effect(double):
    pairs, rng = local_pairs(3), np.random.default_rng(2)
    edges = some(ResidualGraph.of(double).edges(), 8, rng)
    direct = edge_effects(double, pairs, edges, metrics=MIXED)
    routes = path_effects(double, pairs, [Route((e.source, e.target)) for e in edges], metrics=MIXED)
    np.testing.assert_allclose(routes.run, direct.run, atol=1e-12)


def test_routes_stop_by_stop(light):
    pairs = local_pairs(3)
    text = "block1.hook_conv[2] -> block2.res1.hook_branch[1] -> hidden.hook_pre[4] -> hook_logits"
    found = path_effects(light, pairs, [text], metrics=MIXED)
    assert found.parts[0] == written_out(ResidualGraph.of(light), Route.parse(text))
    assert str(found.parts[0]) == (
        "block1.hook_conv[2] -> block2.hook_conv -> block2.res1.hook_conv1 -> block2.res1.hook_branch[1] -> "
        "hidden.hook_pre[4] -> hook_logits"
    )
    base, other = frames(pairs, "denoise")
    live, donor = plainly.everything(light, base), plainly.everything(light, other)

    def with_channel(hook, new, channel):
        value = live[hook].clone()
        value[:, channel] = new[:, channel]
        return value

    with torch.no_grad():
        stem = with_channel("block1.hook_conv", donor["block1.hook_conv"], 2)
        conv = plainly.seen_by(light, "block2.hook_conv", live, {"block1.hook_conv": stem})
        conv1 = plainly.seen_by(light, "block2.res1.hook_conv1", live, {"block2.hook_conv": conv})
        branch = plainly.seen_by(light, "block2.res1.hook_branch", live, {"block2.res1.hook_conv1": conv1})
        branch = with_channel("block2.res1.hook_branch", branch, 1)
        hidden = plainly.seen_by(light, "hidden.hook_pre", live, {"block2.res1.hook_branch": branch})
        hidden = with_channel("hidden.hook_pre", hidden, 4)
        logits = plainly.seen_by(light, "hook_logits", live, {"hidden.hook_pre": hidden})
    slow = numbers(light, plainly.output({**live, "hook_logits": logits}))
    np.testing.assert_allclose(found.run[:, 0], slow, atol=1e-9)


@pytest.mark.parametrize("direction", ["denoise", "noise"])
@pytest.mark.parametrize("kind", ["nodes", "edges"])
def test_circuits_alone_are_those_of_brute_force(double, kind, direction):
    pairs, rng = local_pairs(3), np.random.default_rng(3)
    graph = ResidualGraph.of(double)
    parts = graph.nodes() if kind == "nodes" else graph.edges()
    circuits = [Circuit.of(double, some(parts, round(share * len(parts)), rng)) for share in (0.2, 0.6, 0.9)]
    found = run_circuit(double, pairs, circuits, direction=direction, metrics=MIXED)
    other, live = frames(pairs, direction)
    donor = plainly.everything(double, other)
    alone = plainly.nodes_alone if kind == "nodes" else plainly.edges_alone
    for i, one in enumerate(circuits):
        slow = numbers(double, alone(double, live, donor, one))
        np.testing.assert_allclose(found.run[:, i], slow, rtol=0, atol=1e-9)
    # everything ablated is the other run; the whole network is the network
    np.testing.assert_allclose(found.start, numbers(double, double(other)), atol=1e-9)
    everything = run_circuit(double, pairs, [Circuit.of(double, parts)], direction=direction, metrics=MIXED)
    np.testing.assert_allclose(everything.run[:, 0], everything.goal, atol=1e-9)


@pytest.mark.parametrize("ablation", ["zero", "mean"])
def test_other_ablations_and_smaller_universes(light, ablation):
    pairs, rng = local_pairs(4), np.random.default_rng(4)
    graph = ResidualGraph.of(light)
    base, live = frames(pairs, "denoise")
    values = plainly.everything(light, torch.cat([live, base]))
    donor = {n: v[:1] * 0 if ablation == "zero" else v.double().mean(0, keepdim=True) for n, v in values.items()}
    for parts, universe, alone in (
        (graph.nodes(graph.inner[2:5]), graph.inner[2:5], plainly.nodes_alone),
        (
            graph.edges(["hidden.hook_pre", "block2.hook_conv"]),
            ("block2.hook_conv", "hidden.hook_pre"),
            plainly.edges_alone,
        ),
    ):
        one = Circuit.of(light, some(parts, 9, rng), universe=universe, ablation=ablation)
        found = run_circuit(light, pairs, [one], metrics=MIXED)
        slow = numbers(light, alone(light, live, donor, one))
        np.testing.assert_allclose(found.run[:, 0], slow, atol=1e-9)
        nothing = numbers(light, alone(light, live, donor, one.with_parts(())))
        np.testing.assert_allclose(found.start, nothing, atol=1e-9)


def test_memory_does_not_change_a_circuit(light):
    pairs = local_pairs(6)
    graph = ResidualGraph.of(light)
    for parts in (graph.nodes(), graph.edges()):
        circuits = [Circuit.of(light, some(parts, len(parts) // 2, np.random.default_rng(i))) for i in range(3)]
        whole, small = (run_circuit(light, pairs, circuits, memory=memory) for memory in (1 << 30, 4_000_000))
        np.testing.assert_allclose(small.run, whole.run, atol=1e-12)


def test_circuits_are_saved_and_compared(light, tmp_path):
    graph = ResidualGraph.of(light)
    one = Circuit.of(light, graph.edges()[:9], ablation="mean")
    one.save(tmp_path / "circuit.json")
    assert Circuit.load(tmp_path / "circuit.json") == one
    assert one.size == len(graph.edges())
    assert len(one.without(one.parts[:2])) == 7
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(CircuitError, match=r"bad\.json.*no JSON of a circuit"):
        Circuit.load(tmp_path / "bad.json")


def test_what_does_not_fit_is_refused(light):
    graph, pairs = ResidualGraph.of(light), local_pairs(2)
    with pytest.raises(CircuitError, match=r"reads block1\.hook_conv, block1\.res1\.hook_branch, not hidden"):
        edge_effects(light, pairs, [Edge(Node("hidden.hook_pre", 0), Node("block2.hook_conv", 0))])
    with pytest.raises(CircuitError, match="has 4 channels"):
        edge_effects(light, pairs, [Edge(Node("block1.hook_conv", 4), Node("block2.hook_conv", 0))])
    with pytest.raises(CircuitError, match=r"did you mean 'block1\.hook_conv'"):
        Circuit.of(light, [Node("block1.hook_con", 0)])
    with pytest.raises(CircuitError, match="name the stops"):
        path_effects(light, pairs, ["block1.hook_conv[0] -> hidden.hook_pre[1]"])
    with pytest.raises(CircuitError, match="two stops or more"):
        path_effects(light, pairs, ["block1.hook_conv[0]"])
    other = Circuit.of(lively("impala"), [Node("block1.hook_conv", 0)])
    with pytest.raises(CircuitError, match=r"of the policy impala-.*, this one is"):
        run_circuit(light, pairs, [other])
    with pytest.raises(CircuitError, match="one kind"):
        run_circuit(light, pairs, [Circuit.of(light, graph.nodes()), Circuit.of(light, graph.edges())])
    with pytest.raises(CircuitError, match="outside of the circuit's universe"):
        Circuit.of(light, [Node("block1.hook_conv", 0)], universe=["hidden.hook_pre"])
    with (
        light.hooks_on({"hidden.hook_post": lambda value, hook: value * 0}),
        pytest.raises(CircuitError, match="hooks"),
    ):
        edge_effects(light, pairs, graph.edges()[:1])
