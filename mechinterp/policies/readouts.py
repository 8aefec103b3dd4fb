"""What a policy says about many frames, in the three numbers that every analysis reads."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float64, UInt8

from mechinterp.policies.actions import jump_logodds, movement_logodds
from mechinterp.policies.graph import Policy

READOUTS = ("movement", "jump", "value")
"""``log P(right) - log P(left)`` and ``log P(jump) - log P(no jump)``, in nats; the critic's value, in its units."""

_BATCH = 128


@torch.no_grad()
def readouts(policy: Policy, frames: UInt8[np.ndarray, "frames 64 64 3"]) -> dict[str, Float64[np.ndarray, " frames"]]:
    """Each of `READOUTS` for each frame."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in READOUTS}
    device = next(policy.parameters()).device
    for at in range(0, len(frames), _BATCH):
        output = policy(torch.from_numpy(frames[at : at + _BATCH]).to(device))
        logits = output.logits.double()
        rows = (movement_logodds(logits, policy.actions), jump_logodds(logits, policy.actions), output.value.double())
        for name, row in zip(READOUTS, rows, strict=True):
            parts[name].append(row.cpu().numpy())
    return {name: np.concatenate(rows) if rows else np.empty(0) for name, rows in parts.items()}
