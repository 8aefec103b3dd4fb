"""A network's graph while it is being written down: nodes, and the modules that compute them."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils import skip_init

from mechinterp.policies.errors import PolicyError
from mechinterp.policies.layers import ValueHead
from mechinterp.policies.nodes import LOGITS, OBSERVATION, VALUE, Node


class Draft:
    """Collects the nodes of a graph in running order; `add` and `conv` return the name of the node that they add.

    Args:
        device: of the weights; ``meta`` has shapes alone.
        most: how many tensors of weights there may be.
    """

    def __init__(self, device: str = "cpu", most: int | None = None) -> None:
        self.nodes: list[Node] = []
        self.modules: dict[str, nn.Module] = {}
        self.last = OBSERVATION
        self._how = {"device": device, "dtype": torch.float32}  # whatever torch's default type is
        self._most, self._weights = most, 0

    def add(self, name: str, path: str, module: nn.Module, *inputs: str) -> str:
        self._weights += sum(1 for _ in module.parameters())
        if self._most is not None and self._weights > self._most:
            raise PolicyError(f"a network of more than {self._most} tensors of weights")
        self.modules[path] = module
        self.nodes.append(Node(name, path, inputs or (self.last,)))
        self.last = name
        return name

    def conv(
        self, name: str, path: str, channels: int, out: int, kernel: int, stride: int = 1, padding: int | None = None
    ) -> str:
        padding = kernel // 2 if padding is None else padding
        return self.add(name, path, skip_init(nn.Conv2d, channels, out, kernel, stride, padding, **self._how))

    def heads(self, features: int, actions: int) -> Draft:
        trunk = self.last
        self.add(LOGITS, "logits", skip_init(nn.Linear, features, actions, **self._how))
        self.add(VALUE, "value", skip_init(ValueHead, features, 1, **self._how), trunk)
        return self

    def hidden(self, path: str, features: int, width: int) -> None:
        self.add(f"{path}.hook_pre", f"{path}.linear", skip_init(nn.Linear, features, width, **self._how))
        self.add(f"{path}.hook_post", f"{path}.relu", nn.ReLU())
