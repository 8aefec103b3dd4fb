"""Random weights from a generator."""

from __future__ import annotations

import math

import torch
from torch import nn

from mechinterp.policies.graph import Policy
from mechinterp.policies.layers import Add
from mechinterp.policies.nodes import LOGITS, VALUE


@torch.no_grad()
def initialise(policy: Policy, generator: torch.Generator) -> None:
    """Fill a policy with orthogonal weights (Saxe et al. 2014) and zero biases, in place.

    Gains: sqrt(2) for what a ReLU follows and 0.01 for both heads: at first the policy is nearly uniform, as in PPO's
    reference code, and nothing has a value, unlike there. With the usual gain of 1 the random values outweighed the few
    rewards of CoinRun's first updates; the policy learned to stand still where nothing kills, and stayed there.
    The last convolution of each residual branch has sqrt(2 / number of branches), so that the scale of the
    activations does not grow with depth. The weights depend on the generator alone, not on the number of torch's
    threads: in several, the QR decomposition behind orthogonal weights would round in another way.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        _fill(policy, generator)
    finally:
        torch.set_num_threads(threads)


def _fill(policy: Policy, generator: torch.Generator) -> None:
    modules = {node.name: node.module for node in policy.nodes}
    added = {
        name for node in policy.nodes if isinstance(policy.get_submodule(node.module), Add) for name in node.inputs
    }
    layers = {name: module for name, module in policy.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}
    branches = [path for name, path in modules.items() if name in added and path in layers]
    for name, layer in layers.items():
        gain = 0.01 if name in (modules[LOGITS], modules[VALUE]) else math.sqrt(2)
        if name in branches:
            gain = math.sqrt(2 / len(branches))
        # A contiguous draft: `orthogonal_` would otherwise depend on the memory format.
        weight = torch.empty(layer.weight.shape, dtype=layer.weight.dtype)
        layer.weight.copy_(nn.init.orthogonal_(weight, gain, generator=generator))
        if layer.bias is not None:
            layer.bias.zero_()
