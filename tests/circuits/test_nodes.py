"""Nodes and edges as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.nodes import Edge, Node
from mechinterp.policies import ImpalaConfig, NatureConfig
from mechinterp.policies.networks import blank

HOOKS = [
    name
    for config in (ImpalaConfig(channels=(2, 2), res_blocks=2, hidden=2), NatureConfig())
    for name in blank(config).hook_names
]
nodes = st.builds(Node, st.sampled_from(HOOKS), st.integers(0, 10_000))


@given(nodes, nodes)
def test_text_and_back(source, target):
    edge = Edge(source, target)
    assert Node.parse(str(source)) == source
    assert Edge.parse(str(edge)) == edge


def test_as_written_in_the_documentation():
    assert str(Node("block1.res1.hook_branch", 3)) == "block1.res1.hook_branch[3]"
    assert Edge.parse("hook_input[0] -> block1.hook_conv[3]") == Edge(
        Node("hook_input", 0), Node("block1.hook_conv", 3)
    )


@pytest.mark.parametrize("text", ["", "hook_input", "hook_input[-1]", "hook_input[a]", "conv[1]", "hook_input[1] x"])
def test_other_text_is_refused(text):
    with pytest.raises(CircuitError, match="is no node"):
        Node.parse(text)


@pytest.mark.parametrize("text", ["hook_input[1]", "hook_input[1] -> hook_a[1] -> hook_b[1]"])
def test_other_edges_are_refused(text):
    with pytest.raises(CircuitError, match="is no edge"):
        Edge.parse(text)


def test_channels_are_whole_numbers():
    with pytest.raises(CircuitError, match="whole number"):
        Node("hook_input", -1)
