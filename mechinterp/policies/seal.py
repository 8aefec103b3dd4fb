"""The digest that a weights file of ours carries of itself, so that a flipped bit is noticed.

It stands in the metadata of the safetensors file: weights and digest are replaced together, whenever a process is
killed, and a file of a series has its own. It covers the weights as float32 (16-bit ones are exact in it), and the
network, since some of what `config.json` says fits any weights, such as which action a logit is for. Files written
before it was introduced, and files of others, have none.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping

import torch
from torch import Tensor

from mechinterp.policies.networks import Config

SEAL = "sha256 of weights and network"
"""Its key in the metadata of a file."""


def seal_of(config: Config, tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of a network's description and of its weights in float32, as hexadecimal digits."""
    network = json.dumps({"kind": config.kind, **dataclasses.asdict(config)}, sort_keys=True)
    digest = hashlib.sha256(network.encode())
    for name in sorted(tensors):
        weight = tensors[name].detach().to("cpu", torch.float32).contiguous()
        digest.update(f"{name} {list(weight.shape)}".encode())
        digest.update(weight.numpy().tobytes())
    return digest.hexdigest()
