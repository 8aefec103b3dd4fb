"""The network on a batch, in parts: on a CPU each part has a thread of its own.

Two threads that each run half a batch are faster than one batch whose every operation is spread over two threads: these
wait for each other after each of some sixty operations. The number of parts does not depend on the number of threads:
one thread and two give the same to the last bit. More threads work inside of operations, and round differently.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from mechinterp.policies.graph import Policy

CPU_PARTS = 2
"""More would keep more than two cores busy without their waiting for each other, but the operations grow small."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Outputs(NamedTuple):
    """What the network says of one part of a batch, in float32."""

    logits: Float[Tensor, "part actions"]
    values: Float[Tensor, " part"]


class ShardedNetwork:
    """Runs a policy forward and backward on a batch in parts.

    Args:
        policy: on ``device``, with weights in float32.
        device: on CUDA there is one part.
        threads: of the CPU.
        dtype: of convolutions, linear maps and activations. Weights, their gradients and losses are in float32 always.
    """

    def __init__(
        self, policy: Policy, device: torch.device, *, threads: int, dtype: torch.dtype = torch.float32
    ) -> None:
        self.policy = policy
        self.device = device
        self.dtype = dtype
        self.parts = CPU_PARTS if device.type == "cpu" else 1
        self._parameters = list(policy.parameters())
        workers = min(self.parts, threads)
        each = max(1, threads // self.parts)
        self._pool = ThreadPoolExecutor(workers, "network", torch.set_num_threads, (each,)) if self.parts > 1 else None

    @torch.no_grad()
    def look(self, obs: UInt8[Tensor, "batch 64 64 3"]) -> Outputs:
        """Logits and values, without gradients."""
        logits, values = zip(*self._each(self._look, self._split(obs)), strict=True)
        return Outputs(torch.cat(logits), torch.cat(values))

    def backward(
        self,
        obs: UInt8[Tensor, "frames 64 64 3"],
        rows: Int[Tensor, " batch"],
        loss: Callable[[Outputs], Tensor],
    ) -> None:
        """Set each parameter's ``grad`` to that of ``loss``, a function of the outputs of the batch ``obs[rows]``.

        The chain rule is taken apart at the network's outputs: the loss is differentiated by them on the whole batch,
        since it may mix rows, and its derivatives are carried back through the network part by part.
        """
        parts = self._each(lambda part: self._run(obs[part]), self._split(rows))
        whole = Outputs(*(torch.cat([each.detach() for each in column]) for column in zip(*parts, strict=True)))
        for output in whole:
            output.requires_grad_()
        derivatives = torch.autograd.grad(loss(whole), whole)
        pulled = zip(*(grad.split([len(part.logits) for part in parts]) for grad in derivatives), strict=True)
        gradients = self._each(self._carry_back, list(zip(parts, pulled, strict=True)))
        for parameter, *shares in zip(self._parameters, *gradients, strict=True):
            parameter.grad = torch.stack(shares).sum(0) if len(shares) > 1 else shares[0]

    def _split(self, batch: Tensor) -> Sequence[Tensor]:
        return batch.tensor_split(self.parts)

    def _run(self, obs: Tensor) -> Outputs:
        if self.dtype is torch.float32:
            output = self.policy(obs)
        else:
            # In float32 the image alone would cost a sixth of the time. 0 to 255 are exact in bfloat16, and so the
            # quotient is what autocast would round the one in float32 to.
            image = obs.permute(0, 3, 1, 2).to(self.dtype).div_(255)
            first = self.policy.nodes[0].name
            with torch.autocast(self.device.type, self.dtype):
                output = self.policy(start_at=first, values={first: image})
        return Outputs(output.logits.float(), output.value.float())

    def _look(self, obs: Tensor) -> Outputs:
        with torch.no_grad():  # it does not reach into threads
            return self._run(obs)

    def _carry_back(self, part: tuple[Outputs, tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        outputs, derivatives = part
        return torch.autograd.grad(outputs, self._parameters, derivatives)

    def _each(self, do: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """In the order of the items, whoever is done first."""
        return [do(item) for item in items] if self._pool is None else list(self._pool.map(do, items))

    def close(self) -> None:
        """Give back the threads."""
        if self._pool is not None:
            self._pool.shutdown()
