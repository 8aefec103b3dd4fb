"""Policies on disk.

A checkpoint is a folder: `config.json` (the card), `model.safetensors`, and, of a training run, the series
`series/step-*.safetensors` in half precision. Files of other projects are read too; see `layouts`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mechinterp._files import write_bytes
from mechinterp._text import visible
from mechinterp.policies.card import Card, Source, from_json, to_json
from mechinterp.policies.errors import CheckpointError, PolicyError
from mechinterp.policies.files import TensorFile, read_tensors, write_tensors
from mechinterp.policies.graph import Policy
from mechinterp.policies.layouts import check_keys, recognise, translate
from mechinterp.policies.networks import Config, blank, weight_shapes
from mechinterp.policies.seal import SEAL, seal_of

CONFIG, WEIGHTS, SERIES = "config.json", "model.safetensors", "series"
_ROOM = 4
"""Times as many tensors as a file has are listed one by one, where a config asks for too many."""
NATIVE = "mechinterp"
"""What `format` is called for files of our own."""


class Checkpoint(NamedTuple):
    """A policy and what is known of it."""

    policy: Policy
    card: Card


class Step(NamedTuple):
    """One file of a series: environment steps of training, and where the weights are."""

    step: int
    path: Path


def save(policy: Policy, folder: str | Path, *, provenance: Mapping[str, Any] | None = None) -> Path:
    """Write a policy as a checkpoint folder (the files of an earlier one are replaced, each atomically).

    Args:
        provenance: anything that JSON can hold, kept as it is; see `Card`.

    Raises:
        CheckpointError: the provenance is not plain JSON, or weights are NaN or infinite.
    """
    return write(Checkpoint(policy, Card(policy.config, None, provenance or {})), folder)


def write(checkpoint: Checkpoint, folder: str | Path) -> Path:
    """Write a policy with its card; see `save`."""
    folder, policy = Path(folder), checkpoint.policy
    text = to_json(dataclasses.replace(checkpoint.card, network=policy.config))
    _write_sealed(policy, folder / WEIGHTS, torch.float32)
    write_bytes(folder / CONFIG, text.encode())
    return folder


def save_step(policy: Policy, folder: str | Path, *, step: int, dtype: torch.dtype = torch.float16) -> Path:
    """Add the weights at environment step `step` to the series of a checkpoint folder, in half precision.

    Raises:
        CheckpointError: a weight is NaN or too large for `dtype`.
    """
    path = Path(folder) / SERIES / f"step-{step:010d}.safetensors"
    _write_sealed(policy, path, dtype)
    return path


def series(folder: str | Path) -> tuple[Step, ...]:
    """The series of a checkpoint folder, in the order of training; empty if it has none."""
    found = ((re.fullmatch(r"step-(\d+)\.safetensors", path.name), path) for path in Path(folder, SERIES).glob("*"))
    return tuple(sorted(Step(int(match[1]), path) for match, path in found if match))


def load(path: str | Path, *, format: str | None = None) -> Policy:
    """The policy in a checkpoint folder, in a file of a series, or in a foreign file; see `read`."""
    return read(path, format=format).policy


def read(path: str | Path, *, format: str | None = None) -> Checkpoint:
    """The policy in a checkpoint, in float32, and its card.

    Args:
        path: a checkpoint folder; one of its `.safetensors` files; or a foreign `.pt`, `.pth` or `.safetensors` file,
            whose layout is recognised from its keys.
        format: name of a layout (`LAYOUTS`), instead of recognising it. For foreign files.

    Raises:
        CheckpointError: nothing there, unreadable, cut off, code in a pickle, unknown layout, missing or unexpected
            keys, wrong shapes, NaN or infinite weights (in float32), a checksum that does not fit, or a config that is
            not one.
    """
    path = as_path(path)
    if path.is_dir():
        if format not in (None, NATIVE):
            raise CheckpointError(f"{path}: a checkpoint folder says itself what it holds; leave the format out")
        return _native(path / WEIGHTS, read_tensors(path / WEIGHTS))
    file = read_tensors(path)
    tensors = file.tensors
    if format == NATIVE or (format is None and "logits.weight" in tensors):
        return _native(path, file)
    try:
        layout = recognise(tensors.keys(), format)
        config, arranged = translate(tensors, layout)
    except (CheckpointError, PolicyError) as error:
        raise CheckpointError(f"{path}: {error}") from error
    return Checkpoint(
        _filled(config, arranged, path, layout.name), Card(config, Source(visible(path.name), layout.name, file.sha256))
    )


def as_path(path: str | PathLike[str]) -> Path:
    """Where a checkpoint lies. Raises CheckpointError for what is no path."""
    if not isinstance(path, str | PathLike) or not str(path):
        raise CheckpointError(f"{path!r:.80} is no path; give that of a checkpoint folder or of a weights file")
    return Path(path)


def folder_of(path: Path) -> Path | None:
    """The checkpoint folder that a path is, or that its file is one of the weights of; None for anybody else's file."""
    if path.is_dir():
        return path
    if path.parent.name == SERIES:
        return path.parent.parent
    return path.parent if path.name == WEIGHTS else None


def convert(source: str | Path, destination: str | Path, *, format: str | None = None) -> Path:
    """Write a foreign file as a checkpoint folder; its card names the file, its layout and its SHA-256.

    Raises:
        CheckpointError: as `read`, or `destination` already holds a checkpoint.
    """
    if (Path(destination) / CONFIG).exists():
        raise CheckpointError(f"{destination} already holds a checkpoint; choose another folder or remove it first")
    return write(read(source, format=format), destination)


def _card(folder: Path) -> Card:
    path = folder / CONFIG
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}; a checkpoint folder has one") from error
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path}: not text: {error}") from error
    return from_json(text, where=str(path))


def _native(path: Path, file: TensorFile) -> Checkpoint:
    card = _card(path.parent.parent if path.parent.name == SERIES else path.parent)
    policy = _filled(card.network, file.tensors, path, NATIVE)
    if SEAL in file.metadata and file.metadata[SEAL] != seal_of(card.network, file.tensors):
        raise CheckpointError(
            f"{path}: damaged: its weights and the network in {CONFIG} are not those that were written (their checksum "
            "differs); get the files again"
        )
    return Checkpoint(policy, card)


def _filled(config: Config, tensors: Mapping[str, Tensor], path: Path, layout: str) -> Policy:
    # A config may ask for more than the machine holds, so nothing is allocated before it is known to fit the file.
    try:
        wanted = weight_shapes(config, most=_ROOM * len(tensors) + _ROOM)
    except PolicyError as error:
        raise CheckpointError(f"{path}: has {len(tensors)} tensors, and {config!s:.160} is {error}") from error
    try:
        check_keys(expected=wanted.keys(), found=tensors.keys(), layout=layout)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    for name, shape in wanted.items():
        if (found := tuple(tensors[name].shape)) != shape:
            raise CheckpointError(f"{path}: {name} has shape {list(found)}; {config!s:.160} needs {list(shape)}")
    policy = blank(config)
    policy.load_state_dict(tensors)
    return policy


def _write_sealed(policy: Policy, path: Path, dtype: torch.dtype) -> None:
    tensors = {name: tensor.to(dtype) for name, tensor in policy.state_dict().items()}
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise CheckpointError(f"{path}: not written, since {name} has NaN or infinite weights in {tensor.dtype}")
    write_tensors(path, tensors, {SEAL: seal_of(policy.config, tensors)})
