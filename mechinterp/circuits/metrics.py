"""What is measured of a run: one number a frame.

A metric is a readout of the run (`policies.readouts`), or a comparison of it with the unpatched clean run.

A signed metric, such as movement's log-odds, shows what moves it one way on the whole. Effects that differ in sign from
pair to pair cancel in its mean; the distances from the clean run do not: `KL`, and ``unsigned:NAME``, the size of the
difference of any readout. The clean run is at distance 0 and the corrupted one at the size of its effect, so that
totals are never positive, and circuits are found and scored by them as by any metric.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float64
from torch import Tensor

from mechinterp.circuits.errors import CircuitError
from mechinterp.errors import nearest
from mechinterp.policies.actions import action_divergence
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import PolicyOutput
from mechinterp.policies.readouts import READOUTS, Readout, ReadoutLike, as_readout
from mechinterp.policies.readouts.registry import ACTION

KL = "kl"
"""The metric that compares two runs: the KL divergence of the run's action distribution from that of the unpatched
clean run, in nats. (For the clean run itself it is 0.)"""
UNSIGNED = "unsigned:"
"""Before a readout's name: how far it is from that of the unpatched clean run."""
Metrics = ReadoutLike | Sequence[ReadoutLike] | Mapping[str, ReadoutLike]
"""Names (of readouts, ``action:NAME``, ``unsigned:NAME`` or `KL`), readouts, functions of (logits, value); or name ->
any of these."""


class Measure:
    """Metrics made ready for one policy."""

    def __init__(self, policy: Policy, metrics: Metrics) -> None:
        named: dict[str, Any]
        if isinstance(metrics, Mapping):
            named = dict(metrics)
        else:
            listed: Any = metrics if isinstance(metrics, list | tuple) else (metrics,)
            named = {_name(metric): metric for metric in listed}
            if len(named) < len(listed):
                raise CircuitError(f"metrics of the same name, {', '.join(map(_name, listed))}: give name -> metric")
        if not named:
            raise CircuitError(f"no metrics were given; built in are {', '.join((*READOUTS, KL))}")
        self.actions = policy.actions
        self.named = {name: _metric(name, metric) for name, metric in named.items()}
        self.names: tuple[str, ...] = tuple(named)

    def __call__(self, output: PolicyOutput, clean: PolicyOutput) -> Float64[Tensor, "metrics batch"]:
        """Every metric of a batch; `clean` is the unpatched clean run of the same rows.

        Raises:
            CircuitError: a metric that is not one finite number a row.
        """
        measured = []
        for name, metric in self.named.items():
            try:
                numbers = metric(output, clean, self.actions)
            except PolicyError as error:
                raise CircuitError(f"metric {name!r}: {error}") from error
            if not torch.isfinite(numbers).all():
                raise CircuitError(f"metric {name!r} is not finite in {int((~torch.isfinite(numbers)).sum())} rows")
            measured.append(numbers.double())
        return torch.stack(measured)


def is_distance(name: str) -> bool:
    """Whether a metric of this name is a distance from the clean run."""
    return name == KL or name.startswith(UNSIGNED)


Metric = Callable[[PolicyOutput, PolicyOutput, Sequence[int]], Tensor]
"""Of a run and the unpatched clean run of the same rows: one number a row."""


def _metric(name: str, metric: ReadoutLike) -> Metric:
    if metric == KL:
        return lambda output, clean, actions: action_divergence(clean.logits, output.logits, actions)
    if isinstance(metric, str) and metric.startswith(UNSIGNED):
        readout = _readout(name, metric.removeprefix(UNSIGNED))
        return lambda output, clean, actions: (readout(output, actions) - readout(clean, actions)).abs()
    signed = _readout(name, metric)
    return lambda output, clean, actions: signed(output, actions)


def _name(metric: ReadoutLike) -> str:
    if isinstance(metric, str):
        return metric
    if not callable(metric):
        raise CircuitError(
            f"a metric is a name such as 'movement', a readout or a function of (logits, value), got {metric!r}"
        )
    return metric.name if isinstance(metric, Readout) else getattr(metric, "__name__", "function")


def _readout(name: str, metric: ReadoutLike) -> Readout:
    if isinstance(metric, str) and metric not in READOUTS and not metric.startswith(ACTION):
        raise CircuitError(f"unknown metric {metric!r}{nearest(metric, (*READOUTS, KL))}")
    try:
        return as_readout(metric, name=name)
    except PolicyError as error:
        raise CircuitError(f"metric {name!r}: {error}") from error
