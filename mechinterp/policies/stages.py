"""The stages of a network, found by the graph's structure alone, whatever its nodes are called."""

from __future__ import annotations

from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import OBSERVATION, Node
from mechinterp.policies.traits import Traits, traits_of


def bottlenecks(policy: Policy) -> tuple[str, ...]:
    """Hook points that all information passes through: what comes after them needs no other value."""
    return tuple(name for name in policy.hook_names if policy.frontier(name) == (name,))


def stage_outputs(policy: Policy) -> tuple[str, ...]:
    """The hook points to look at first, at which a stage hands on what it found.

    All information passes through them, and their modules have no weights: ReLUs, poolings and sums. Left out are what
    only a residual branch sees, convolutions before their ReLU, the frame, and copies in another shape.
    """
    through = set(bottlenecks(policy))
    return tuple(
        node.name
        for node in policy.nodes
        if node.name in through and node.inputs != (OBSERVATION,) and _computes(_traits(policy, node))
    )


def stage_writers(policy: Policy) -> tuple[str, ...]:
    """Convolutions whose maps reach a bottleneck without passing another layer with weights.

    In a residual network they are the layers that write to the residual stream; the inner convolutions of its branches
    are left out.
    """
    open_to = set(bottlenecks(policy))
    for node in reversed(policy.nodes):
        readers = [other for other in policy.nodes if node.name in other.inputs]
        if any(other.name in open_to and not _traits(policy, other).weighted for other in readers):
            open_to.add(node.name)
    return tuple(
        node.name
        for node in policy.nodes
        if node.name in open_to and _traits(policy, node).weighted and len(policy.shapes[node.name]) == 3
    )


def _computes(traits: Traits) -> bool:
    return not traits.weighted and not traits.copies


def _traits(policy: Policy, node: Node) -> Traits:
    return traits_of(policy.get_submodule(node.module))
