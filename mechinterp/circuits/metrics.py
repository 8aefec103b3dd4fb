"""What is read off a run: one number a frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from mechinterp.circuits.errors import CircuitError
from mechinterp.errors import nearest
from mechinterp.policies.actions import jump_logodds, movement_logodds
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import PolicyOutput

MetricFn = Callable[[Tensor, Tensor], Tensor]
"""`fn(logits [batch, actions], value [batch]) -> [batch]`."""
Metrics = str | Sequence[str] | Mapping[str, "str | MetricFn"]
"""Names of built-in metrics, or name -> function (or built-in name)."""

BUILT_IN = {
    "movement": "log P(right) - log P(left), nats",
    "jump": "log P(jump) - log P(no jump), nats",
    "value": "the policy's estimate of its return",
    "kl": "KL divergence of the run's action distribution from that of the unpatched clean run, nats",
}
"""The metrics that have a name. For `kl`, the clean run itself has 0."""


class Measure:
    """Metrics made ready for one policy."""

    def __init__(self, policy: Policy, metrics: Metrics) -> None:
        if isinstance(metrics, str):
            metrics = (metrics,)
        if not isinstance(metrics, Mapping | Sequence):
            raise CircuitError(
                f"metrics are names or a mapping of names to functions, got {metrics!r}; name a function like "
                "{'mine': function}"
            )
        named = dict(metrics) if isinstance(metrics, Mapping) else {name: name for name in metrics}
        if not named:
            raise CircuitError(f"no metrics were given; built in are {', '.join(BUILT_IN)}")
        for fn in named.values():
            if isinstance(fn, str) and fn not in BUILT_IN:
                raise CircuitError(f"unknown metric {fn!r}{nearest(fn, BUILT_IN)}")
            if not isinstance(fn, str) and not callable(fn):
                raise CircuitError(f"a metric is a name or a function of (logits, value), got {fn!r}")
        self.actions = policy.actions
        self.named = named
        self.names: tuple[str, ...] = tuple(named)

    def __call__(self, output: PolicyOutput, clean: PolicyOutput) -> Float64[Tensor, "metrics batch"]:
        """Every metric of a batch; `clean` is the unpatched clean run of the same rows.

        Raises:
            CircuitError: a metric that is not one finite number a row.
        """
        measured = []
        for name, fn in self.named.items():
            numbers = self._built_in(fn, output, clean) if isinstance(fn, str) else fn(output.logits, output.value)
            if not isinstance(numbers, Tensor) or numbers.shape != output.value.shape:
                got = tuple(numbers.shape) if isinstance(numbers, Tensor) else type(numbers).__name__
                raise CircuitError(
                    f"metric {name!r} must give one number a row, {tuple(output.value.shape)}, got {got}"
                )
            if not torch.isfinite(numbers).all():
                raise CircuitError(f"metric {name!r} is not finite in {int((~torch.isfinite(numbers)).sum())} rows")
            measured.append(numbers.double())
        return torch.stack(measured)

    def _built_in(self, name: str, output: PolicyOutput, clean: PolicyOutput) -> Float[Tensor, " batch"]:
        if name == "movement":
            return movement_logodds(output.logits, self.actions)
        if name == "jump":
            return jump_logodds(output.logits, self.actions)
        if name == "value":
            return output.value
        # In float64: the divergence is of second order in the change, so that rounding would drown a small one.
        log_clean, log_run = (logits.double().log_softmax(-1) for logits in (clean.logits, output.logits))
        return (log_clean.exp() * (log_clean - log_run)).sum(-1)
