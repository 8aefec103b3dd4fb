"""Finding a circuit by a learned mask: each part is let through or not, by gates that are trained to need few.

The gates are hard-concrete (Louizos, Welling & Kingma 2018): noisy numbers that are often exactly 0 or 1, with an
expected count that one can differentiate; for circuits see Cao, Sanh & Rush 2021. Denoising and noising take turns, so
that what is kept must be enough by itself, and the effect gone without it. Parts are also let go for the price of
keeping them: of the planted network's redundant paths the mask ranks every part above idle ones, yet keeps about half.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from mechinterp.circuits.circuit import Kind, Part, hook_in_universe
from mechinterp.circuits.discovery import nothing
from mechinterp.circuits.errors import CircuitError, ZeroEffect
from mechinterp.circuits.graph import Layer, ResidualGraph, by_channel, refuse_hooks, run_glue
from mechinterp.circuits.metrics import Measure
from mechinterp.circuits.pairs import Pairs, as_pairs, tensor
from mechinterp.circuits.ranking import Ranking
from mechinterp.circuits.zero import SMALLEST
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import LOGITS, VALUE, PolicyOutput

_TEMPERATURE, _LOW, _HIGH = 2 / 3, -0.1, 1.1
"""Of the hard-concrete distribution, as its authors set it."""


@dataclass(frozen=True)
class MaskOptions:
    """How a mask is trained.

    Attributes:
        steps: of Adam, half of them denoising and half noising.
        rate: learning rate of the gates' logits.
        price: loss for all parts open; the loss for no effect at all is 1.
        pairs: in one step.
        start: logit of every gate at the beginning.

    Raises:
        CircuitError: no steps, no pairs, or numbers that are not finite.
    """

    steps: int = 300
    rate: float = 0.1
    price: float = 0.5
    pairs: int = 12
    start: float = 2.0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.pairs < 1:
            raise CircuitError(f"a mask is trained for at least 1 step on 1 pair, got {self.steps} and {self.pairs}")
        if not (math.isfinite(self.price) and math.isfinite(self.start) and 0 < self.rate < math.inf):
            raise CircuitError(
                f"price and start must be finite, rate above 0, got {self.price}, {self.start} and {self.rate}"
            )


@torch.inference_mode(mode=False)
@torch.enable_grad()
def learned_mask(
    policy: Policy,
    pairs: Pairs,
    *,
    kind: Kind,
    generator: torch.Generator,
    options: MaskOptions | None = None,
    metric: str = "movement",
    universe: Sequence[str] | None = None,
) -> Ranking:
    """Rank by the logits of a learned mask; positive ones are rather open than shut.

    The loss is the squared error of the circuit's effect over the mean squared total effect, plus `price` times the
    expected share of open gates. Ablated parts carry the other run's values. Memory grows with `options.pairs`, not
    with the number of pairs (but for their frames), and for edges with the channels of a layer: each target channel has
    an input of its own.

    Args:
        generator: draws pairs and the gates' noise, on the CPU.

    Raises:
        ZeroEffect: no pair has an effect.
        CircuitError: options, pairs or hooks on the policy that do not fit.
    """
    options = options or MaskOptions()
    refuse_hooks(policy, kind)
    empty, parts = nothing(policy, kind, universe, "counterfactual")
    graph, framed, measure = ResidualGraph.of(policy), as_pairs(pairs), Measure(policy, metric)
    clean, corrupted = tensor(framed.clean), tensor(framed.corrupted)
    with torch.no_grad():
        outputs = [_in_batches(policy, side, options.pairs) for side in (clean, corrupted)]
        own = [measure(output, outputs[0])[0] for output in outputs]
    total = own[0] - own[1]
    scale = total.square().mean()
    if total.abs().max() <= SMALLEST:
        raise ZeroEffect(f"no pair has an effect on {metric!r}", pairs=tuple(range(len(total))))
    logits = torch.full((len(parts),), options.start, dtype=torch.float32, requires_grad=True)
    adam = torch.optim.Adam([logits], lr=options.rate)
    hooks = list(graph.writers)
    for step in range(options.steps):
        rows = torch.randperm(len(total), generator=generator)[: options.pairs]
        live, other = (clean, corrupted) if step % 2 == 0 else (corrupted, clean)
        gates = _Gates(graph, kind, parts, _sample(logits, generator))
        values = policy.activations(other[rows], hooks)
        run = gates.nodes(policy, live[rows], values) if kind == "nodes" else gates.edges(policy, live[rows], values)
        reached = measure(run, PolicyOutput(outputs[0].logits[rows], outputs[0].value[rows]))[0]
        goal = own[step % 2][rows]
        loss = (reached - goal).square().mean() / scale + options.price * _open(logits).mean()
        adam.zero_grad()
        (logits.grad,) = torch.autograd.grad(loss, [logits])
        adam.step()
    return Ranking("learned mask", parts, logits.detach().double().numpy(), empty)


def _in_batches(policy: Policy, frames: UInt8[Tensor, "n 64 64 3"], size: int) -> PolicyOutput:
    outputs = [policy(frames[at : at + size]) for at in range(0, len(frames), size)]
    return PolicyOutput(torch.cat([out.logits for out in outputs]), torch.cat([out.value for out in outputs]))


def _sample(logits: Float[Tensor, " parts"], generator: torch.Generator) -> Float[Tensor, " parts"]:
    noise = torch.rand(logits.shape, generator=generator, dtype=torch.float32).clamp(1e-6, 1 - 1e-6)
    soft = torch.sigmoid((noise.log() - (1 - noise).log() + logits) / _TEMPERATURE)
    return (soft * (_HIGH - _LOW) + _LOW).clamp(0, 1)


def _open(logits: Float[Tensor, " parts"]) -> Float[Tensor, " parts"]:
    """The chance that each gate is not shut."""
    return torch.sigmoid(logits - _TEMPERATURE * math.log(-_LOW / _HIGH))


class _Gates:
    """Runs of the network with each part let through by a number from 0 to 1."""

    def __init__(
        self, graph: ResidualGraph, kind: Kind, parts: Sequence[Part], sample: Float[Tensor, " parts"]
    ) -> None:
        self.graph, self.cut = graph, {hook_in_universe(part) for part in parts}
        self.tables: dict[tuple[str, ...], Tensor] = {}
        at = 0  # parts come hook by hook, and in the order of rows and columns
        if kind == "nodes":
            for hook in dict.fromkeys(hook_in_universe(part) for part in parts):
                self.tables[(hook,)] = sample[at : at + graph.widths[hook]]
                at += graph.widths[hook]
            return
        for layer in graph.layers:
            for writer in layer.writers if layer.hook in self.cut else ():
                sources, targets = graph.widths[writer], graph.widths[layer.hook]
                self.tables[layer.hook, writer] = sample[at : at + sources * targets].view(sources, targets).t()
                at += sources * targets

    def nodes(self, policy: Policy, frames: Tensor, other: Mapping[str, Tensor]) -> PolicyOutput:
        def hook(value: Tensor, hook: object) -> Tensor:
            name: str = hook.name  # pyright: ignore[reportAttributeAccessIssue]
            return _mixed(self.tables[(name,)], value, other[name])

        with policy.hooks_on({name: hook for (name,) in self.tables}):
            return policy(frames)

    def edges(self, policy: Policy, frames: Tensor, other: Mapping[str, Tensor]) -> PolicyOutput:
        """Each target channel of a cut layer has an input of its own; a gate for each writer's channel lets it in."""
        first = [name for name in self.graph.writers if name not in self.graph.inner]
        live: dict[str, Tensor] = dict(policy.activations(frames, first))
        for layer in self.graph.layers:
            if layer.hook not in self.cut:
                live[layer.hook] = policy.get_submodule(layer.module)(run_glue(policy, layer, live))
                continue
            gates = {writer: self.tables[layer.hook, writer] for writer in layer.writers}
            mixed = {
                w: _mixed(gate, live[w].unsqueeze(1), other[w].unsqueeze(1)).flatten(0, 1) for w, gate in gates.items()
            }
            live[layer.hook] = _each_its_own(policy, layer, run_glue(policy, layer, mixed), self.graph.widths)
        return PolicyOutput(live[LOGITS], live[VALUE])


def _mixed(gate: Tensor, live: Tensor, other: Tensor) -> Tensor:
    """`gate` of the live value and the rest of the other. Its last axis is the channels, before that the targets."""
    gate = gate.to(live).reshape(*gate.shape, *[1] * (live.ndim - 1 - gate.ndim))
    return other + gate * (live - other)


def _each_its_own(policy: Policy, layer: Layer, inputs: Tensor, widths: Mapping[str, int]) -> Tensor:
    """A layer whose target channels t read the rows t, t + targets, ... of its input."""
    module, targets = policy.get_submodule(layer.module), widths[layer.hook]
    weight = by_channel(policy, layer, widths[layer.writers[0]])
    bias: Tensor | None = module.bias  # pyright: ignore[reportAssignmentType]
    if isinstance(module, nn.Conv2d):
        rows = inputs.unflatten(0, (-1, targets)).flatten(1, 2)
        return F.conv2d(rows, weight, bias, module.stride, module.padding, groups=targets)  # pyright: ignore
    found = (inputs.unflatten(0, (-1, targets)) * weight.flatten(1)).sum(-1)
    found = found if bias is None else found + bias
    return found if policy.shapes[layer.hook] else found.squeeze(-1)
