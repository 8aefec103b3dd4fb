"""A `Circuit` drawn by itself, in the order of its layers and as wide as its edges' effects."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp.circuits import CircuitError, Edge, Node
from mechinterp.circuits.circuit import Circuit
from mechinterp.circuits.planted import planted_network
from mechinterp.reporting import draw_circuit
from mechinterp.reporting.plots import style


@pytest.fixture(scope="module")
def coin():
    network = planted_network("coin")
    return network, Circuit.of(network.policy, network.truth("coin side"))


def lines_of(fig):
    return {line.text.split(":")[0]: line for line in fig.data if line.mode == "lines"}


def test_edges_run_from_left_to_right_as_wide_as_their_effect(coin):
    network, one = coin
    effects = {edge: 0.1 * (i + 1) * (-1) ** i for i, edge in enumerate(one.parts)}
    fig = draw_circuit(one, effects, title="the coin's side")
    assert "the coin's side" in fig.layout.title.text
    lines = lines_of(fig)
    assert len(lines) == len(one)
    assert all(line.x[0] < line.x[-1] for line in lines.values())
    by_effect = sorted(lines.values(), key=lambda line: abs(float(line.text.split(":")[1].split()[0])))
    assert list(np.diff([line.line.width for line in by_effect]) > 0) == [True] * (len(one) - 1)
    assert len({(line.line.color, line.text.split(":")[1].strip()[0]) for line in lines.values()}) == 2
    # The columns are the layers in the order in which they run; the frame, which no edge goes into, comes first.
    columns = [note.text.replace("<br>", " ") for note in fig.layout.annotations]
    run = [hook.replace("hook_", "").replace(".", " ") for hook in network.policy.hook_names]
    assert [run.index(words) for words in columns] == sorted(run.index(words) for words in columns)
    assert columns[0] == "input"
    assert [dots.marker.color for dots in fig.data if dots.mode == "markers+text"] == [style.GREY]  # no effects given


def test_nodes_with_and_without_edges_between_them(coin):
    network, _ = coin
    nodes = [node for node in network.true_nodes("coin side") if node.hook.startswith("block2")]
    one, effects = Circuit.of(network.policy, nodes), dict.fromkeys(nodes, 1.0)
    assert not lines_of(draw_circuit(one, effects))
    between = {edge: 0.5 for edge in network.truth("coin side")}
    inside = [edge for edge in between if edge.source in nodes and edge.target in nodes]
    assert len(lines_of(draw_circuit(one, effects, between=between))) == len(inside) > 0


def test_what_cannot_be_drawn(coin):
    _, one = coin
    with pytest.raises(CircuitError, match="no parts"):
        draw_circuit(one.with_parts(()), {})
    with pytest.raises(CircuitError, match=f"{len(one)} of {len(one)} parts have no finite effect"):
        draw_circuit(one, {part: np.nan for part in one.parts})
    some = {part: 1.0 for part in one.parts[1:]}
    with pytest.raises(CircuitError, match="for example hook_input"):
        draw_circuit(one, some)
    assert isinstance(one.parts[0], Edge)
    assert isinstance(one.nodes[0], Node)
