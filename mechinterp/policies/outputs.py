"""What a policy says about many frames, in batches."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from mechinterp.policies.nodes import PolicyOutput
from mechinterp.policies.subject import PolicyLike, as_policy

_BATCH = 128


@torch.no_grad()
def policy_outputs(
    policy: PolicyLike, frames: UInt8[np.ndarray, "frames 64 64 3"] | UInt8[Tensor, "frames 64 64 3"]
) -> PolicyOutput:
    """Logits [frames, actions] and values [frames] of each frame, in float64 on the CPU."""
    policy = as_policy(policy)
    device = next(policy.parameters()).device
    logits, values = [torch.empty(0, len(policy.actions), dtype=torch.float64)], [torch.empty(0, dtype=torch.float64)]
    for at in range(0, len(frames), _BATCH):
        output = policy(torch.as_tensor(frames[at : at + _BATCH]).to(device))
        logits.append(output.logits.double().cpu())
        values.append(output.value.double().cpu())
    return PolicyOutput(torch.cat(logits), torch.cat(values))
