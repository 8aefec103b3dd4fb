"""What a policy says about many frames, in batches."""

from __future__ import annotations

import torch

from mechinterp.policies.frames import Frames, as_frames
from mechinterp.policies.nodes import PolicyOutput
from mechinterp.policies.subject import PolicyLike, as_policy

_BATCH = 128


@torch.no_grad()
def policy_outputs(policy: PolicyLike, frames: Frames) -> PolicyOutput:
    """Logits [frames, actions] and values [frames] of each frame, in float64 on the CPU.

    Raises:
        PolicyError: frames that are none (no frame at all is allowed).
    """
    policy, frames = as_policy(policy), as_frames(frames)
    logits, values = [torch.empty(0, len(policy.actions), dtype=torch.float64)], [torch.empty(0, dtype=torch.float64)]
    for at in range(0, len(frames), _BATCH):
        output = policy(frames[at : at + _BATCH])
        logits.append(output.logits.double().cpu())
        values.append(output.value.double().cpu())
    return PolicyOutput(torch.cat(logits), torch.cat(values))
