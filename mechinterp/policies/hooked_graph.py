"""A graph of named activations: its modules, its hook points, and what can be told from its structure.

It is a `HookedRootModule` of TransformerLens, made to refuse names that do not exist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import nn
from transformer_lens import HookedRootModule
from transformer_lens.hook_points import HookPoint

from mechinterp.policies.errors import PolicyError, UnknownHook
from mechinterp.policies.hooks import Names, select
from mechinterp.policies.interpreter import Step
from mechinterp.policies.nodes import FRAME, OBSERVATION, Node, frontier, last_uses


class HookedGraph(HookedRootModule):
    """The nodes of a network, each computed by one module and followed by one hook point.

    Attributes:
        nodes: the graph, in the order in which it runs.
        hook_names: the names of the nodes.
    """

    def __init__(self, nodes: Sequence[Node], modules: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.nodes: tuple[Node, ...] = tuple(nodes)
        self.hook_names: tuple[str, ...] = tuple(node.name for node in nodes)
        self._position = {name: index for index, name in enumerate(self.hook_names)}
        for path, module in modules.items():
            self._place(path, module)
        for node in nodes:
            self._place(node.name, HookPoint())
        self.setup()
        self._steps = tuple(self._step(node) for node in nodes)
        self._last_use = last_uses(self.nodes)
        self._shapes: dict[str, tuple[int, ...]] | None = None

    def select(self, names: Names = None) -> tuple[str, ...]:
        """The hook points that a name, a sequence of names or a predicate selects, in running order; see `select`."""
        return select(names, self.hook_names)

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of every node's value for one frame, without the batch: (channels, height, width) or (features,)."""
        if self._shapes is None:
            device = next(self.parameters()).device
            live = {OBSERVATION: torch.zeros(1, FRAME, FRAME, 3, dtype=torch.uint8, device=device)}
            # Through the modules alone, so that no hook sees it; and without autocast, which (in torch 2.6) would keep
            # the cast weights, made here without gradients, for whoever computes gradients in the same block.
            with torch.no_grad(), torch.autocast(device.type, enabled=False):
                for step in self._steps:
                    live[step.name] = step.module(*[live[read] for read in step.inputs])
            self._shapes = {name: tuple(live[name].shape[1:]) for name in self.hook_names}
        return MappingProxyType(self._shapes)

    def frontier(self, name: str, *, stop_at: str | None = None) -> tuple[str, ...]:
        """The values that `forward(start_at=name, stop_at=stop_at)` needs.

        They are `name` and each earlier node that a later one (or the output) still reads, in running order, so that
        `name` is the last.
        """
        start, stop = self._index(name), len(self.nodes) if stop_at is None else self._index(stop_at)
        if stop < start:
            raise PolicyError(f"stop_at={stop_at!r} comes before start_at={name!r}")
        return frontier(self.nodes, start, stop)

    # ---- TransformerLens, made to refuse wrong names -----------------------------------------------------------

    def get_caching_hooks(self, names_filter: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As TransformerLens, which would give an empty cache for a name that does not exist."""
        return super().get_caching_hooks(list(self.select(names_filter)), *args, **kwargs)

    def add_caching_hooks(self, names_filter: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As TransformerLens, which would add no hook for a name that does not exist."""
        return super().add_caching_hooks(list(self.select(names_filter)), *args, **kwargs)

    def _enable_hook_with_name(self, name: str, hook: Any, dir: Any) -> None:
        self._index(name)
        super()._enable_hook_with_name(name, hook, dir)

    # ---- private -----------------------------------------------------------------------------------------------

    def _index(self, name: str) -> int:
        try:
            return self._position[name]
        except KeyError:
            raise UnknownHook([name], self.hook_names) from None

    def _step(self, node: Node) -> Step:
        parent, _, key = node.module.rpartition(".")
        return Step(node.name, self.get_submodule(parent), key, self.hook_dict[node.name], node.inputs)

    def _place(self, path: str, module: nn.Module) -> None:
        """Register a module under a dotted path, making the containers on the way."""
        *parents, key = path.split(".")
        owner: nn.Module = self
        for part in parents:
            if part not in owner._modules:
                owner.add_module(part, nn.Module())
            owner = owner.get_submodule(part)
        owner.add_module(key, module)
