"""Weights on disk: read without running what a file contains, written so that a kill leaves the old file or the new."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from mechinterp._files import write_bytes
from mechinterp.policies.errors import CheckpointError
from mechinterp.policies.file_kinds import other_kind

WRAPPERS = ("model_state_dict", "state_dict", "policy_state_dict", "model", "policy", "agent")
"""Under one of these a file may keep the weights, together with an optimiser and the like."""
PREFIXES = ("module.", "_orig_mod.")
"""What torch's DataParallel and compile put before every key."""
_UNPACKED = 8
"""Times its own size that an archive may unpack to; torch does not pack at all."""


class TensorFile(NamedTuple):
    """What is in a file of weights.

    Attributes:
        tensors: by name, in float32 on the CPU, all finite.
        sha256: of the file, as hexadecimal digits.
        metadata: texts by name, of a safetensors file.
    """

    tensors: dict[str, Tensor]
    sha256: str
    metadata: dict[str, str]


def read_tensors(path: Path) -> TensorFile:
    """The weights in a `.safetensors` or torch file.

    The kind of file is told by its first bytes. Torch files are read with `weights_only=True`: no code in them runs.
    The checksums of a torch file (a zip archive) are checked; torch itself does not.

    Raises:
        CheckpointError: no such file, truncated, damaged, not a file of weights (then what it is, where that is known),
            a pickle with code, or weights that are NaN or infinite in float32.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    metadata: dict[str, str] = {}
    if data[8:9] == b"{":
        found: Any = _safetensors(path, data)
        metadata = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__") or {}
    elif kind := other_kind(data):
        raise CheckpointError(f"{path}: {kind}")
    elif data[:2] == b"PK" or data[:1] == b"\x80":
        found = _torch(path, data)
    else:
        raise CheckpointError(f"{path}: neither a safetensors nor a torch file, or cut off ({len(data)} bytes)")
    tensors = _finite(path, _state_dict(path, found), len(data))
    return TensorFile(tensors, hashlib.sha256(data).hexdigest(), metadata)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file atomically."""
    # safetensors refuses channels_last strides, so the tensors are copied.
    plain = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    write_bytes(path, safetensors.torch.save(plain, dict(metadata)))


def _safetensors(path: Path, data: bytes) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load(data)
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path}: damaged or cut off safetensors file: {error}") from error


def _torch(path: Path, data: bytes) -> Any:
    if data[:2] == b"PK":
        _check_archive(path, data)
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


def _check_archive(path: Path, data: bytes) -> None:
    """Compare all parts of a zip archive with their checksums, and what they unpack to with what they are."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        unpacked = sum(part.file_size for part in archive.infolist())
        bad = archive.testzip() if unpacked <= _UNPACKED * len(data) else None
    except Exception as error:  # zipfile raises whatever it meets in a damaged archive
        raise CheckpointError(f"{path}: damaged or cut off torch file: {_reason(error)}") from error
    if unpacked > _UNPACKED * len(data):
        raise CheckpointError(
            f"{path}: {len(data):,} bytes that would unpack to {unpacked:,}; torch files are not packed"
        )
    if bad is not None:
        raise CheckpointError(f"{path}: damaged torch file: the checksum of its part {bad!r} does not fit")


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


def _finite(path: Path, tensors: dict[str, Tensor], size: int) -> dict[str, Tensor]:
    """The tensors in float32; they must be plain, finite in it, and no more than the file has bytes for."""
    cast = {}
    for name, tensor in sorted(tensors.items()):  # safetensors gives them in any order
        plain = tensor.layout == torch.strided and not tensor.is_nested and tensor.device.type == "cpu"
        if not tensor.is_floating_point() or not plain:
            kind = str(tensor.dtype) if plain else f"{tensor.layout} on {tensor.device.type}"
            raise CheckpointError(f"{path}: {name} is {kind}; weights are floating-point numbers, one after the other")
        if tensor.numel() * tensor.element_size() > size:  # a view can repeat a number for ever
            raise CheckpointError(f"{path}: {name} has {tensor.numel():,} weights, more than {size:,} bytes can hold")
        cast[name] = tensor.detach().to(torch.float32)
        if bad := int((~cast[name].isfinite()).sum()):
            raise CheckpointError(
                f"{path}: {bad} of {tensor.numel()} weights of {name} are NaN or infinite"
                + ("" if tensor.dtype == torch.float32 else f" in float32 (the file has {tensor.dtype})")
            )
    return cast
