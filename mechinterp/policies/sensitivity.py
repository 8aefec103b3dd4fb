"""Bring a random network to the sensitivity of a policy: the same mean logits, the same spread of a readout.

The log-odds of random networks vary little from frame to frame, and so do their effects in nats, whatever they respond
to. A null of such networks rejects nothing but weakness. Scaled to the spread of the policy, a random network changes
its mind as much as the policy does, for no reason: an effect that it has as well says nothing about training.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, UInt8
from scipy import optimize
from torch import Tensor

from mechinterp.policies.errors import PolicyError
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import PolicyOutput
from mechinterp.policies.outputs import policy_outputs
from mechinterp.policies.readouts import Readout, ReadoutLike, as_readout

_SILENT = 1e-5
"""A spread below this share of the largest logit is the rounding of float32."""
_DOUBLINGS = 60


@dataclass(frozen=True, eq=False)
class Scaling:
    """An affine change of a network's output: ``to + factor * (logits - mean)``, and the same for the value.

    Attributes:
        factor, value_factor: of logits and value, from 0.
        mean, to: logits that are taken off, and put on.
        value_mean, value_to: the same of the value.
    """

    factor: float
    mean: Float64[Tensor, " actions"]
    to: Float64[Tensor, " actions"]
    value_factor: float
    value_mean: float
    value_to: float

    def __call__(self, output: PolicyOutput) -> PolicyOutput:
        """The output as it is after the change."""
        return output._replace(
            logits=self.to + self.factor * (output.logits - self.mean),
            value=self.value_to + self.value_factor * (output.value - self.value_mean),
        )


def spread(readout: Readout, output: PolicyOutput, policy: Policy) -> float:
    """The standard deviation of a readout over the frames of an output, in the readout's unit."""
    return float(readout(output, policy.actions).std(correction=0))


def silent(output: PolicyOutput) -> bool:
    """Whether logits or value are the same for all frames: a network that sees nothing cannot be scaled."""
    varies = (output.logits.std(0, correction=0).max(), output.value.std(correction=0))
    sizes = (output.logits.abs().max(), output.value.abs().max())
    return any(float(own) <= _SILENT * float(size) for own, size in zip(varies, sizes, strict=True))


def scaling(readout: Readout, network: PolicyOutput, policy: PolicyOutput, actions: tuple[int, ...]) -> Scaling:
    """The change that gives `network` the mean logits, the mean value and the spreads of `policy`.

    One factor scales all logits, such that the standard deviation of the readout over the frames is the policy's. The
    value has a factor of its own.

    Args:
        network, policy: what both say about the same frames.

    Raises:
        PolicyError: no factor gives the readout this spread (`silent` networks; readouts with bounds).
    """
    wanted = float(readout(policy, actions).std(correction=0))
    value_spread, value_wanted = (float(one.value.std(correction=0)) for one in (network, policy))

    def scaled(factor: float) -> Scaling:
        return Scaling(
            factor,
            network.logits.mean(0),
            policy.logits.mean(0),
            value_wanted / value_spread if value_spread else 0.0,
            float(network.value.mean()),
            float(policy.value.mean()),
        )

    def excess(factor: float) -> float:
        return float(readout(scaled(factor)(network), actions).std(correction=0)) - wanted

    close = 1e-9 * max(wanted, 1e-9)
    if abs(excess(0.0)) <= close:  # a policy that never varies; or a readout of the value alone
        return scaled(1.0 if abs(excess(1.0)) <= close else 0.0)
    top = 1.0
    for _ in range(_DOUBLINGS):
        if excess(top) >= 0:
            return scaled(float(optimize.root_scalar(excess, bracket=(0.0, top), method="brentq").root))
        top *= 2
    raise PolicyError(
        f"no scale of its logits gives a network the policy's spread of {readout.name} ({wanted:.3g}); it does not "
        "respond to these frames, or the readout has bounds"
    )


def matched(
    network: Policy, policy: Policy, frames: UInt8[np.ndarray, "frames 64 64 3"], *, readout: ReadoutLike = "movement"
) -> Policy:
    """A copy of `network` with the mean logits and values of `policy` over these frames, and its spread of a readout.

    Raises:
        PolicyError: see `scaling`; or networks of different actions.
    """
    if network.actions != policy.actions:
        raise PolicyError(f"networks of different actions, {network.actions} and {policy.actions}")
    change = scaling(
        as_readout(readout), policy_outputs(network, frames), policy_outputs(policy, frames), policy.actions
    )
    made = copy.deepcopy(network)
    with torch.no_grad():
        for head, factor, mean, to in (
            ("logits", change.factor, change.mean, change.to),
            ("value", change.value_factor, change.value_mean, change.value_to),
        ):
            weight, bias = made.get_parameter(f"{head}.weight"), made.get_parameter(f"{head}.bias")
            weight.mul_(factor)
            bias.copy_(to + factor * (bias.double() - mean))
    return made
