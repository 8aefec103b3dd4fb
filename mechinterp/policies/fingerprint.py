"""What a network is at this moment: its weights as a digest, and whether anything is hooked into it."""

from __future__ import annotations

import hashlib

import torch
from torch import nn

from mechinterp.policies.graph import Policy


def weights_digest(policy: Policy) -> str:
    """SHA-256 of the weights as they are now: some ways to change a tensor in place leave its version as it was."""
    digest = hashlib.sha256()
    for name, weight in policy.state_dict().items():
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
        digest.update(weight.cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def has_hooks(policy: Policy) -> bool:
    """Whether any hooks are on the network: the library's, or plain ones of torch."""
    return any(map(is_hooked, policy.modules()))


def is_hooked(module: nn.Module) -> bool:
    """Whether forward hooks are on this module itself."""
    return bool(module._forward_hooks or module._forward_pre_hooks)
