"""Weights on disk: read without running what a file contains, written so that a kill leaves the old file or the new."""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from mechinterp._files import write_bytes
from mechinterp.policies.errors import CheckpointError

WRAPPERS = ("model_state_dict", "state_dict", "policy_state_dict", "model", "policy", "agent")
"""Under one of these a file may keep the weights, together with an optimiser and the like."""
PREFIXES = ("module.", "_orig_mod.")
"""What torch's DataParallel and compile put before every key."""


def read_tensors(path: Path) -> tuple[dict[str, Tensor], str]:
    """The weights in a `.safetensors` or torch file, in float32 on the CPU, and the file's SHA-256.

    The kind of file is told by its first bytes. Torch files are read with `weights_only=True`: no code in them runs.

    Raises:
        CheckpointError: no such file, truncated, not a file of weights, a pickle with code, or NaN or infinite weights.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    if data[8:9] == b"{":
        found: Any = _safetensors(path, data)
    elif data[:2] == b"PK" or data[:1] == b"\x80":
        found = _torch(path, data)
    else:
        raise CheckpointError(f"{path}: neither a safetensors nor a torch file, or cut off ({len(data)} bytes)")
    return _finite(path, _state_dict(path, found)), hashlib.sha256(data).hexdigest()


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a safetensors file atomically."""
    # safetensors refuses channels_last strides, so the tensors are copied.
    write_bytes(path, safetensors.torch.save({name: t.detach().cpu().contiguous() for name, t in tensors.items()}))


def _safetensors(path: Path, data: bytes) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load(data)
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path}: damaged or cut off safetensors file: {error}") from error


def _torch(path: Path, data: bytes) -> Any:
    try:
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "global" in str(error).lower() or "unsupported class" in str(error).lower():
            raise CheckpointError(
                f"{path}: the file carries code besides weights, which is never run; save it again with "
                f"torch.save(policy.state_dict(), ...). {_reason(error)}"
            ) from error
        raise CheckpointError(f"{path}: damaged or cut off torch file: {_reason(error)}") from error
    except Exception as error:  # torch raises whatever its reader of zip files or of pickles meets
        raise CheckpointError(f"{path}: damaged or cut off torch file: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """The line of a torch error that says what is wrong, without its advice to load unsafely."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    useful = [line for line in lines if "WeightsUnpickler error" in line] or lines[:1]
    return useful[0][:200] if useful else type(error).__name__


def _state_dict(path: Path, found: Any) -> dict[str, Tensor]:
    if isinstance(found, Mapping):
        inner = [found[key] for key in WRAPPERS if isinstance(found.get(key), Mapping)]
        found = inner[0] if inner else found
    if not isinstance(found, Mapping) or not found:
        raise CheckpointError(f"{path}: holds a {type(found).__name__}, not a dictionary of weights")
    odd = [str(key) for key, value in found.items() if not (isinstance(key, str) and isinstance(value, Tensor))]
    if odd:
        raise CheckpointError(f"{path}: not all entries are weights: {', '.join(odd[:8])}")
    for prefix in PREFIXES:
        if all(key.startswith(prefix) for key in found):
            found = {key.removeprefix(prefix): value for key, value in found.items()}
    return dict(found)


def _finite(path: Path, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    for name, tensor in sorted(tensors.items()):  # safetensors gives them in any order
        if not tensor.is_floating_point():
            raise CheckpointError(f"{path}: {name} is {tensor.dtype}; weights are floating-point numbers")
        if bad := int((~tensor.isfinite()).sum()):
            raise CheckpointError(f"{path}: {bad} of {tensor.numel()} weights of {name} are NaN or infinite")
    return {name: tensor.to(torch.float32) for name, tensor in tensors.items()}
