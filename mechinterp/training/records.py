"""What a run leaves in its folder, read and written: metrics, the resume file, and who it is."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mechinterp._files import write_bytes
from mechinterp.errors import MechinterpError
from mechinterp.policies import checkpoints
from mechinterp.policies.card import from_json
from mechinterp.training.errors import TrainingError

RESUME_FILE = "resume.pt"
RESUME_LAYOUT = 2
"""Goes up when a resume file of before can no longer be read."""
METRICS_FILE = "metrics.jsonl"
EVALUATION_FILE = "evaluation.json"

_HALF_WRITTEN = re.compile(
    rf"\.({re.escape(RESUME_FILE)}|{re.escape(METRICS_FILE)}|config\.json|model\.safetensors|step-\d+\.safetensors)\..+"
)


@dataclass(frozen=True)
class FoundRun:
    """A training run on disk."""

    folder: Path
    identity: dict[str, Any]
    """``organism`` (the recipe, as plain values) and ``seed``."""
    steps: int
    seconds: float
    """Of training, on the machine that trained it."""
    provenance: dict[str, Any]
    last: dict[str, float] | None
    """The newest metrics; None if there are none yet."""
    resumable: bool
    series: int
    """Checkpoints in the series."""
    evaluation: dict[str, Any] | None
    """What an `examination.Examination` found, as plain values; None if there was none."""

    @property
    def organism(self) -> str:
        return self.identity["organism"]["name"]

    @property
    def seed(self) -> int:
        return self.identity["seed"]


def write_resume(path: Path, state: Mapping[str, Any]) -> None:
    """Write all that is needed to go on, atomically: a kill or a full disk leaves the old file whole.

    The file ends with the SHA-256 of what comes before, since torch's reader does not notice a changed bit.

    Raises:
        OSError: if it could not be written.
    """
    buffer = io.BytesIO()
    torch.save({"layout": RESUME_LAYOUT, **state}, buffer)
    content = buffer.getvalue()
    write_bytes(path, content + hashlib.sha256(content).digest())


def read_resume(path: Path) -> dict[str, Any]:
    """What `write_resume` wrote, on the CPU.

    Raises:
        TrainingError: cut off, damaged in a single bit, not a resume file, or one of another version.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TrainingError(f"{path}: cannot be read: {error.strerror}") from error
    size = hashlib.sha256().digest_size
    content, digest = data[:-size], data[-size:]
    if hashlib.sha256(content).digest() != digest:
        raise TrainingError(
            f"{path}: damaged, cut off, or not a resume file of this version: what it holds is not what its checksum "
            "says; put back a whole copy, or train again in another folder"
        )
    saved = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    if saved["layout"] != RESUME_LAYOUT:
        raise TrainingError(
            f"{path}: layout {saved['layout']}, this version reads {RESUME_LAYOUT}; train on with the version that "
            "wrote it, or again in another folder"
        )
    return saved


def append_metrics(path: Path, metrics: Mapping[str, float]) -> None:
    """Add one line, and see it on the disk: a resume file that is newer than the metrics could not be gone on from."""
    with path.open("a") as file:
        file.write(json.dumps({name: round(value, 5) for name, value in metrics.items()}) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_metrics(folder: Path) -> list[dict[str, float]]:
    """The metrics of every update, in order; empty if there are none. A last line that a kill cut short is left out.

    Raises:
        TrainingError: for a line in the middle that is no metrics.
    """
    path = folder / METRICS_FILE
    if not path.exists():
        return []
    lines = path.read_text(errors="replace").split("\n")
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            if not all(isinstance(value, int | float) for value in [row["steps"], *row.values()]):
                raise TypeError("metrics are numbers")
        except (json.JSONDecodeError, AttributeError, TypeError, KeyError):
            if number == len(lines):
                break  # what follows the last end of line: nothing, or half a line
            raise TrainingError(f"{path}: line {number} is no metrics: {line[:60]!r}") from None
        rows.append(row)
    return rows


def truncate_metrics(folder: Path, steps: int) -> None:
    """Drop what was logged after the checkpoint that a run resumes from: it will be logged again.

    Raises:
        TrainingError: if what was logged before it is not there: going on would leave a gap that nobody sees.
    """
    path = folder / METRICS_FILE
    before = path.read_bytes() if path.exists() else b""
    kept, last = b"", 0
    for line in before.splitlines(keepends=True):
        try:
            at = json.loads(line)["steps"]
            if at > steps or not line.endswith(b"\n"):
                break
        except (ValueError, TypeError, KeyError):
            break  # the line that a kill cut short
        kept, last = kept + line, at
    if last != steps:
        raise TrainingError(
            f"{path}: ends at step {last:,}, but the run stands at {steps:,}; put the file back, or train again in "
            "another folder"
        )
    if kept != before:
        write_bytes(path, kept)


def remove_half_written(folder: Path) -> None:
    """Remove what a killed process was writing when it was killed. Only for who holds the folder's lock."""
    for place in (folder, folder / checkpoints.SERIES):
        if place.is_dir():
            for path in place.iterdir():
                if _HALF_WRITTEN.fullmatch(path.name):
                    path.unlink(missing_ok=True)


def find_run(folder: Path) -> FoundRun | None:
    """The training run in this folder; None if there is no checkpoint, or one that was not trained here.

    Raises:
        CheckpointError: if its config is damaged.
        TrainingError: if its metrics or its evaluation are.
    """
    if not (folder / checkpoints.CONFIG).exists():
        return None
    config = folder / checkpoints.CONFIG
    provenance = dict(from_json(config.read_text(errors="replace"), where=str(config)).provenance)
    recipe, seed = provenance.get("organism"), provenance.get("seed")
    if not isinstance(recipe, dict) or not isinstance(recipe.get("name"), str) or not isinstance(seed, int):
        return None
    metrics = read_metrics(folder)
    for name in ("steps", "seconds"):
        if not isinstance(provenance.get(name, 0), int | float):
            raise TrainingError(f"{config}: {name} is {provenance[name]!r}, not a number")
    return FoundRun(
        folder=folder,
        identity={"organism": recipe, "seed": seed},
        steps=int(provenance.get("steps", 0)),
        seconds=float(provenance.get("seconds", 0)),
        provenance=provenance,
        last=metrics[-1] if metrics else None,
        resumable=(folder / RESUME_FILE).exists(),
        series=len(checkpoints.series(folder)),
        evaluation=_read_evaluation(folder / EVALUATION_FILE),
    )


def write_evaluation(folder: Path, evaluation: Mapping[str, Any]) -> None:
    """Keep what was found of a policy in its folder, atomically."""
    write_bytes(folder / EVALUATION_FILE, (json.dumps(evaluation, indent=1) + "\n").encode())


def _read_evaluation(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text(errors="replace"))
    except json.JSONDecodeError as error:
        raise TrainingError(f"{path}: damaged ({error}); remove it, and `mechinterp card` measures again") from error
    if not isinstance(found, dict) or found.get("qualified", "missing") not in (True, False, None):
        raise TrainingError(f"{path}: no evaluation; remove it, and `mechinterp card` measures again")
    return found


def find_runs(root: Path) -> tuple[list[FoundRun], list[str]]:
    """The training runs in the folders of ``root``, by name; and, in words, what is wrong with those unreadable."""
    runs, troubles = [], []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else ():
        try:
            run = find_run(folder)
        except (MechinterpError, OSError) as error:
            troubles.append(str(error))
            continue
        if run is not None:
            runs.append(run)
    return runs, troubles
