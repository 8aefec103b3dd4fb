"""Writing weights by hand into an IMPALA, an edge at a time, and keeping the list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.nodes import Edge, Node
from mechinterp.policies.graph import Policy
from mechinterp.policies.networks import ImpalaConfig, blank
from mechinterp.policies.nodes import LOGITS, VALUE

HIDDEN = "hidden.hook_pre"
COIN = ((2.5, 2.5, -6.25), -3.5)
"""Colour weights and bias that give 1 for a coin's yellow (255, 204, 0), and less than 0 for black sky, ground, lava,
crates and the yellow agent's head. Some enemies have a few pixels of the coin's very yellow."""
SOLID = ((0.5, 0.5, 0.5), -0.3)
"""Brightness: about 0.6 to 0.9 for ground, walls and crates, -0.3 for the black sky of `use_backgrounds=False`."""

LAVA = ((5.0, -6.0, -4.0), -0.6)
"""About 1 for lava's orange (224, 102, 22), and less than 0 for sky, ground, crates and a coin's yellow."""


class Wiring:
    """A network with all weights 0 but those that are put in.

    Channels are handed out in random order, so that a position tells nothing about a job. A channel of the residual
    stream of a block belongs to everything that writes into it: the block's first convolution and all its branches.

    Attributes:
        policy: the network.
        edges: what was wired, by `connect`.
    """

    def __init__(self, config: ImpalaConfig, rng: np.random.Generator) -> None:
        self.config, self.rng = config, rng
        self.policy: Policy = blank(config)
        for parameter in self.policy.parameters():
            nn.init.zeros_(parameter)
        self.policy.requires_grad_(False).eval()
        self.blocks = len(config.channels)
        self.edges: set[Edge] = set()
        self.isolated: set[Node] = set()
        self._modules = {node.name: node.module for node in self.policy.nodes}
        self._free: dict[str, list[int]] = {}
        for hook in self._writers():
            stream = self._stream(hook)
            if stream not in self._free:
                self._free[stream] = rng.permutation(self.policy.shapes[hook][0]).tolist()

    def new(self, hook: str) -> Node:
        """A channel that nothing else uses, at a hook point that writes."""
        free = self._free[self._stream(hook)]
        if not free:
            raise CircuitError(f"{self.config} has too few channels at {hook} for this circuit; give it 8 or more")
        return Node(hook, free.pop())

    def detector(self, colour: tuple[Sequence[float], float]) -> Node:
        """A channel of the first convolution: ``weights . rgb + bias`` of a pixel.

        Where the convolution sees every pixel, it is the mean of two side by side, so that a single yellow pixel (the
        foot of one of the agents) is no coin; where it sees one in two, a coin may show no more than one.
        """
        node = self.new("block1.hook_conv")
        weight = self._layer(node.hook).weight[node.channel]
        middle, taps = weight.shape[1] // 2, 2 if self.config.stem_stride == 1 else 1
        for channel, factor in enumerate(colour[0]):
            self.connect(Node("hook_input", channel), node, factor / taps)
            weight[channel, middle, middle : middle + taps] = factor / taps
        self._bias(node, colour[1])
        return node

    def connect(self, source: Node, target: Node, weight: float | Tensor) -> Node:
        """An edge. The weight is that of a kernel's centre, or, into the hidden layer, one number for each cell."""
        layer = self._layer(target.hook)
        if isinstance(layer, nn.Conv2d):
            layer.weight[target.channel, source.channel, layer.kernel_size[0] // 2, layer.kernel_size[1] // 2] = weight
        elif target.hook == HIDDEN:
            layer.weight[target.channel].view(self.maps)[source.channel] = weight
        else:
            layer.weight[target.channel, source.channel] = weight
        self.edges.add(Edge(source, target))
        return target

    def branch(self, source: Node, block: int, res: int = 1) -> Node:
        """The relu of a channel, through a residual branch, into a channel of the same block that was empty."""
        inner = self.connect(source, self.new(f"block{block}.res{res}.hook_conv1"), 1.0)
        return self.connect(inner, self.new(f"block{block}.res{res}.hook_branch"), 1.0)

    def onward(self, source: Node, block: int) -> Node:
        """The channel as the next block's first convolution reads it: copied."""
        return self.connect(source, self.new(f"block{block}.hook_conv"), 1.0)

    def onward_to_last(self, source: Node, block: int) -> Node:
        """Copied from block to block, from `block` on, until the last one."""
        for later in range(block + 1, self.blocks + 1):
            source = self.onward(source, later)
        return source

    def unit(self, sources: Iterable[Node], cells: Tensor, *, bias: float = 0.0) -> Node:
        """A hidden unit: the relu of the weighted sum of the sources (after the trunk's relu) over cells."""
        node = self.new(HIDDEN)
        for source in sources:
            self.connect(source, node, cells)
        self._bias(node, bias)
        return node

    def push(self, unit: Node, action: int, nats: float) -> None:
        """A hidden unit's weight for one Procgen action."""
        self.connect(unit, Node(LOGITS, self.config.actions.index(action)), nats)

    def lean(self, action: int, nats: float) -> None:
        """A constant preference for one Procgen action: a bias, no edge."""
        self._bias(Node(LOGITS, self.config.actions.index(action)), nats)

    def value(self, unit: Node, weight: float) -> None:
        self.connect(unit, Node(VALUE, 0), weight)

    @property
    def maps(self) -> tuple[int, ...]:
        """(channels, height, width) of the last block."""
        return self.policy.shapes["trunk.hook_relu"]

    def cells(self, columns: slice, rows: slice = slice(None), *, weight: float = 1.0) -> Tensor:
        """A map of weights: `weight` inside, 0 outside."""
        cells = torch.zeros(self.maps[1:], dtype=torch.float32)
        cells[rows, columns] = weight
        return cells

    def distract(self, size: float = 0.5) -> None:
        """Random weights, normal with deviation ``size / sqrt(inputs)``, into every channel that is still free.

        They read everything but what is `isolated`, and nothing that reaches the logits reads them: from the hidden
        layer they go on into the value alone.
        """
        for hook in self._writers():
            free = self._free[self._stream(hook)]
            weight = self._layer(hook).weight
            rows = torch.from_numpy(self._normal((len(free), *weight.shape[1:]), size)).to(weight)
            by_channel = rows.view(len(free), *self.maps) if hook == HIDDEN else rows
            by_channel[:, [node.channel for node in self.isolated if self._stream(node.hook) == self._read(hook)]] = 0
            weight[free] = rows
        free = self._free[HIDDEN]
        value = self._layer(VALUE).weight
        value[0, free] = torch.from_numpy(self._normal((1, len(free)), size)).to(value)[0]

    def _normal(self, shape: tuple[int, ...], size: float) -> np.ndarray:
        return self.rng.normal(0, size / np.sqrt(np.prod(shape[1:])), shape)

    def _writers(self) -> list[str]:
        """Hook points of the layers with weights before the heads."""
        layers = [n.name for n in self.policy.nodes if isinstance(self._module(n.name), nn.Conv2d | nn.Linear)]
        return [name for name in layers if name not in (LOGITS, VALUE)]

    @staticmethod
    def _stream(hook: str) -> str:
        """What shares its channels with this writer: the residual stream of its block, or nothing."""
        return hook.split(".")[0] if hook.endswith((".hook_conv", ".hook_branch")) else hook

    def _read(self, hook: str) -> str:
        """The stream that a writer's layer reads."""
        if hook == HIDDEN:
            return f"block{self.blocks}"
        block, *_, kind = hook.split(".")
        if kind == "hook_conv":
            return "hook_input" if block == "block1" else f"block{int(block.removeprefix('block')) - 1}"
        return block if kind == "hook_conv1" else hook.replace("hook_branch", "hook_conv1")

    def _module(self, hook: str) -> nn.Module:
        return self.policy.get_submodule(self._modules[hook])

    def _bias(self, node: Node, number: float) -> None:
        bias = self._layer(node.hook).bias
        assert bias is not None
        bias[node.channel] = number

    def _layer(self, hook: str) -> nn.Conv2d | nn.Linear:
        layer = self._module(hook)
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        return layer
