"""The residual graph: which layers write, which read what was written, and the weights in between.

A **layer** is a node whose module has weights (a convolution or a linear map). Everything between two layers (relu,
pooling, sums, flattening; here called glue) treats each channel by itself. So a channel of a writer reaches its readers
through their input channel of the same number alone, and the kernel `weight[target, source]` is all that carries it.
Derived from `policy.nodes`, whatever the architecture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.nodes import Edge, Node
from mechinterp.errors import nearest
from mechinterp.interventions.engine.layers import computes_plainly
from mechinterp.policies.fingerprint import is_hooked
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import OBSERVATION
from mechinterp.policies.nodes import Node as Step
from mechinterp.policies.traits import TRAITS, traits_of


@dataclass(frozen=True)
class Layer:
    """A layer with weights, as a reader.

    Attributes:
        hook: hook point of its output.
        module: dotted path of its module.
        reads: hook point of its input.
        writers: hook points of the layers (or the frame) whose values are in that input, in running order.
        glue: the steps between those and the input, in running order.
    """

    hook: str
    module: str
    reads: str
    writers: tuple[str, ...]
    glue: tuple[Step, ...]


@dataclass(frozen=True)
class ResidualGraph:
    """Writers and readers of a policy.

    Attributes:
        layers: every reader, in running order.
        widths: channels of every writer and reader.
    """

    layers: tuple[Layer, ...]
    widths: Mapping[str, int]

    @classmethod
    def of(cls, policy: Policy) -> ResidualGraph:
        """Read off the policy's graph.

        Raises:
            CircuitError: a module without weights that is not known to treat each channel by itself.
        """
        steps = {step.name: step for step in policy.nodes}
        position = {name: i for i, name in enumerate(policy.hook_names)}
        writes = {step.name for step in policy.nodes if _is_layer(policy, step) or step.inputs == (OBSERVATION,)}
        layers = []
        for step in policy.nodes:
            if not _is_layer(policy, step) or step.inputs == (OBSERVATION,):
                continue
            if len(step.inputs) != 1:
                raise CircuitError(f"{step.name}: a layer with weights must have one input, it has {step.inputs}")
            writers, glue, open_names = set(), set(), [step.inputs[0]]
            while open_names:
                name = open_names.pop()
                if name in writes:
                    writers.add(name)
                    continue
                module = policy.get_submodule(steps[name].module)
                if not _by_channel(module):
                    known = [kind.__name__ for kind, traits in TRAITS.items() if traits.channels != "mixed"]
                    raise CircuitError(
                        f"{name}: {type(module).__name__} has no weights and is not known to treat each channel by "
                        f"itself; known are {', '.join(known)}"
                    )
                glue.add(name)
                open_names += steps[name].inputs
            layers.append(
                Layer(
                    hook=step.name,
                    module=step.module,
                    reads=step.inputs[0],
                    writers=tuple(sorted(writers, key=position.__getitem__)),
                    glue=tuple(steps[name] for name in sorted(glue, key=position.__getitem__)),
                )
            )
        hooks = {name for layer in layers for name in (layer.hook, *layer.writers)}
        widths = {name: (policy.shapes[name] or (1,))[0] for name in policy.hook_names if name in hooks}
        return cls(tuple(layers), widths)

    @property
    def writers(self) -> tuple[str, ...]:
        """Hook points that some layer reads, in running order."""
        read = {name for layer in self.layers for name in layer.writers}
        return tuple(name for name in self.widths if name in read)

    @property
    def inner(self) -> tuple[str, ...]:
        """Layers that are read by others: all but the frame and the heads. The nodes of a circuit are channels here."""
        readers = {layer.hook for layer in self.layers}
        return tuple(name for name in self.writers if name in readers)

    def layer(self, hook: str) -> Layer:
        """The layer whose output is at this hook point. Raises CircuitError, with the nearest names, if none is."""
        for layer in self.layers:
            if layer.hook == hook:
                return layer
        names = [layer.hook for layer in self.layers]
        raise CircuitError(f"no layer writes {hook!r}{nearest(hook, names)}")

    def edges(self, readers: Iterable[str] | None = None) -> tuple[Edge, ...]:
        """Every candidate edge into these layers (all, by default), reader by reader in running order."""
        chosen = self.layers if readers is None else [self.layer(hook) for hook in readers]
        return tuple(
            Edge(Node(writer, source), Node(layer.hook, target))
            for layer in chosen
            for writer in layer.writers
            for source in range(self.widths[writer])
            for target in range(self.widths[layer.hook])
        )

    def nodes(self, hooks: Iterable[str] | None = None) -> tuple[Node, ...]:
        """Every channel of these writers or readers (of `inner`, by default)."""
        chosen = self.inner if hooks is None else [self._known(hook) for hook in hooks]
        return tuple(Node(hook, channel) for hook in chosen for channel in range(self.widths[hook]))

    def check(self, part: Node | Edge) -> None:
        """Raise CircuitError for a node or an edge that the graph does not have."""
        if not isinstance(part, Node | Edge):
            raise CircuitError(f"a part is a Node or an Edge, got {part!r}; text is read by Node.parse and Edge.parse")
        for node in (part,) if isinstance(part, Node) else (part.source, part.target):
            self._known(node.hook)
            if node.channel >= self.widths[node.hook]:
                raise CircuitError(f"{node} does not exist: {node.hook} has {self.widths[node.hook]} channels")
        if isinstance(part, Edge) and part.source.hook not in (found := self.layer(part.target.hook).writers):
            raise CircuitError(
                f"{part} is no edge: {part.target.hook} reads {', '.join(found)}, not {part.source.hook}; between "
                "layers that do not follow each other there are routes (`path_effects`)"
            )

    def _known(self, hook: str) -> str:
        if hook not in self.widths:
            raise CircuitError(f"{hook!r} is neither a writer nor a reader{nearest(hook, self.widths)}")
        return hook


def edge_weight(policy: Policy, edge: Edge) -> Float[Tensor, " *kernel"]:
    """The weights that carry an edge: a kernel (rows, columns), a map (one weight a cell), or a single number.

    Raises:
        CircuitError: no edge of this policy.
    """
    graph = ResidualGraph.of(policy)
    graph.check(edge)
    weight = by_channel(policy, graph.layer(edge.target.hook), graph.widths[edge.source.hook])
    kernel = weight[edge.target.channel, edge.source.channel].detach()
    if isinstance(policy.get_submodule(graph.layer(edge.target.hook).module), nn.Conv2d):
        return kernel
    layer = graph.layer(edge.target.hook)
    maps = [policy.shapes[name] for name in (edge.source.hook, *(step.name for step in layer.glue))]
    return kernel.reshape([shape for shape in maps if len(shape) == 3][-1][1:] if len(maps[0]) == 3 else ())


def by_channel(policy: Policy, layer: Layer, channels: int) -> Float[Tensor, "target source *rest"]:
    """The weight of a layer with an axis for the channels that it reads (a flattened map has many features a channel).

    Where the input is a row of numbers, `rest` is one axis: the features of a channel.
    """
    weight: Tensor = policy.get_submodule(layer.module).weight  # pyright: ignore[reportAssignmentType]
    return weight if weight.ndim == 4 else weight.unflatten(1, (channels, -1))


def run_glue(policy: Policy, layer: Layer, values: Mapping[str, Tensor]) -> Tensor:
    """The input of a layer, from the values of its writers."""
    live = {name: values[name] for name in layer.writers}
    for step in layer.glue:
        live[step.name] = policy.get_submodule(step.module)(*[live[name] for name in step.inputs])
    return live[layer.reads]


def apply_weight(
    policy: Policy, layer: Layer, inputs: Float[Tensor, " batch *shape"], weight: Tensor, bias: Tensor | None
) -> Tensor:
    """The layer with other weights: its whole shape, or fewer source or target channels.

    Args:
        weight: as `by_channel` gives it.
    """
    module = policy.get_submodule(layer.module)
    if isinstance(module, nn.Conv2d):
        return F.conv2d(inputs, weight, bias, module.stride, module.padding, module.dilation)  # pyright: ignore
    found = F.linear(inputs, weight.flatten(1), bias)
    return found.squeeze(-1) if not policy.shapes[layer.hook] else found


def refuse_hooks(policy: Policy, kind: str) -> None:
    """Circuits are cut at hook points, where hooks would not be run; edges also between them, with the layers' own
    weights, where no hook and no other forward would be run.

    Args:
        kind: of the circuit's parts, "nodes" or "edges".

    Raises:
        CircuitError: hooks are on the policy (for edges: on any of its modules), or a layer computes something else
            than a plain convolution or linear map by its weights.
    """
    modules = dict(policy.named_modules()) if kind == "edges" else policy.hook_dict
    if busy := [name or "the policy" for name, module in modules.items() if is_hooked(module)]:
        raise CircuitError(f"{kind} cannot be run while hooks are on the policy, at {', '.join(busy[:5])}; remove them")
    for layer in ResidualGraph.of(policy).layers if kind == "edges" else ():
        module = policy.get_submodule(layer.module)
        if not computes_plainly(module):
            raise CircuitError(
                f"{layer.module}: what {type(module).__name__} computes cannot be taken apart into edges; plain "
                "nn.Conv2d (zero padding, one group) and nn.Linear can"
            )


def _is_layer(policy: Policy, step: Step) -> bool:
    return next(policy.get_submodule(step.module).parameters(recurse=False), None) is not None


def _by_channel(module: nn.Module) -> bool:
    return any(kind in TRAITS for kind in type(module).__mro__) and traits_of(module).channels != "mixed"


def grouped(edges: Iterable[Edge]) -> dict[tuple[str, str], dict[int, list[int]]]:
    """Edges as (reader, writer) -> source channel -> target channels, in the order given."""
    found: dict[tuple[str, str], dict[int, list[int]]] = {}
    for edge in edges:
        by_source = found.setdefault((edge.target.hook, edge.source.hook), {})
        by_source.setdefault(edge.source.channel, []).append(edge.target.channel)
    return found


def table(graph: ResidualGraph, edges: Iterable[Edge]) -> dict[tuple[str, str], Tensor]:
    """Edges as (reader, writer) -> bool [targets, sources], for every reader and each of its writers."""
    found = {
        (layer.hook, writer): torch.zeros(graph.widths[layer.hook], graph.widths[writer], dtype=torch.bool)
        for layer in graph.layers
        for writer in layer.writers
    }
    for edge in edges:
        found[edge.target.hook, edge.source.hook][edge.target.channel, edge.source.channel] = True
    return found
