"""What a run leaves in its folder, read and written: metrics, the resume file, and who it is."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from mechinterp._files import parse_json, read_json, read_text, write_bytes
from mechinterp.errors import MechinterpError
from mechinterp.policies import checkpoints
from mechinterp.policies.card import from_json
from mechinterp.policies.errors import CheckpointError, PolicyError
from mechinterp.policies.seen_levels import HeldOut
from mechinterp.stats import Estimate, StatsError
from mechinterp.training.errors import TrainingError

RESUME_FILE = "resume.pt"
RESUME_LAYOUT = 2
"""Goes up when a resume file of before can no longer be read."""
METRICS_FILE = "metrics.jsonl"
EVALUATION_FILE = "evaluation.json"


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
    """Add one line, and see it on the disk: a resume file that is newer than the metrics could not be gone on from.

    Raises:
        TrainingError: a metric that is not finite: training has diverged.
        OSError: it could not be written.
    """
    if wrong := [name for name, value in metrics.items() if not math.isfinite(value)]:
        raise TrainingError(
            f"{path.parent}: {wrong[0]} is {metrics[wrong[0]]} at step {int(metrics['steps']):,}: training has diverged"
        )
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({name: round(value, 5) for name, value in metrics.items()}) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_metrics(folder: Path) -> list[dict[str, float]]:
    """The metrics of every update, in order; empty if there are none. A last line that a kill cut short is left out.

    Raises:
        TrainingError: for a line in the middle that is no metrics, or a file that cannot be read.
    """
    path = folder / METRICS_FILE
    if not path.exists():
        return []
    lines = _read(path).decode("utf-8", "replace").split("\n")
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(_metrics(line, where=f"{path}: line {number}"))
        except TrainingError:
            if number == len(lines):
                break  # what follows the last end of line: nothing, or half a line
            raise
    return rows


def _metrics(line: str, *, where: str) -> dict[str, float]:
    """One line of metrics. Raises TrainingError where it is none."""
    row = parse_json(line, where=where, error=TrainingError)
    if not isinstance(row, dict) or not all(type(value) in (int, float) for value in row.values()):
        raise TrainingError(f"{where} is no metrics, numbers by name: {line[:60]!r}")
    if type(row.get("steps")) is not int:
        raise TrainingError(f"{where} is no metrics: steps is {row.get('steps')!r:.40}, not a whole number")
    return row


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TrainingError(f"{path}: cannot be read: {error.strerror}") from error


def truncate_metrics(folder: Path, steps: int) -> None:
    """Drop what was logged after the checkpoint that a run resumes from: it will be logged again.

    Raises:
        TrainingError: if what was logged before it is not there: going on would leave a gap that nobody sees.
    """
    path = folder / METRICS_FILE
    before = _read(path) if path.exists() else b""
    kept, last = b"", 0
    for line in before.splitlines(keepends=True):
        try:
            at = _metrics(line.decode("utf-8", "replace"), where=str(path))["steps"]
        except TrainingError:
            break  # the line that a kill cut short
        if at > steps or not line.endswith(b"\n"):
            break
        kept, last = kept + line, at
    if last != steps:
        raise TrainingError(
            f"{path}: ends at step {last:,}, but the run stands at {steps:,}; put the file back, or train again in "
            "another folder"
        )
    if kept != before:
        write_bytes(path, kept)


def find_run(folder: Path) -> FoundRun | None:
    """The training run in this folder; None if there is no checkpoint, or one that was not trained here.

    Raises:
        CheckpointError: if its config is damaged.
        TrainingError: if its metrics or its evaluation are.
    """
    if not (folder / checkpoints.CONFIG).exists():
        return None
    config = folder / checkpoints.CONFIG
    provenance = dict(from_json(read_text(config, error=CheckpointError), where=str(config)).provenance)
    recipe, seed = provenance.get("organism"), provenance.get("seed")
    if not isinstance(recipe, dict) or not isinstance(recipe.get("name"), str) or type(seed) is not int:
        return None
    metrics = read_metrics(folder)
    for name in ("steps", "seconds"):
        if type(provenance.get(name, 0)) not in (int, float):
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
    write_bytes(folder / EVALUATION_FILE, (json.dumps(evaluation, indent=1, allow_nan=False) + "\n").encode())


class _Evaluation(BaseModel):
    """What an evaluation file holds; its rows are estimates."""

    model_config = ConfigDict(strict=True, extra="forbid")
    levels: int
    max_steps: int
    seed: int
    greedy: bool
    placements: dict[str, list[dict[str, Any]]]
    choice_tests: list[dict[str, Any]]
    qualified: bool | None
    held_out: dict[str, Any] | None = None
    """None in files that were written before levels were identified by their content."""


def _read_evaluation(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        found = read_json(path, error=TrainingError)
        read = _Evaluation.model_validate(found)
        for row in (*(row for table in read.placements.values() for row in table), *read.choice_tests):
            Estimate.from_dict(row)
        if read.held_out is not None:
            HeldOut.from_dict(read.held_out)
    except (ValidationError, StatsError, PolicyError, TrainingError) as error:
        told = str(error)
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            told = f"{'/'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
        raise TrainingError(
            f"{path}: no evaluation ({told}); remove it, and `mechinterp card` measures again"
        ) from error
    return found


def find_runs(root: Path) -> tuple[list[FoundRun], list[str]]:
    """The training runs in the folders of ``root``, by name (``coin-seed2`` before ``coin-seed10``).

    And, in words, what is wrong with those that cannot be read.
    """
    runs, troubles = [], []
    for folder in sorted(root.iterdir(), key=lambda path: natural(path.name)) if root.is_dir() else ():
        try:
            run = find_run(folder) if folder.is_dir() else None
        except (MechinterpError, OSError) as error:
            troubles.append(str(error))
            continue
        if run is not None:
            runs.append(run)
    return runs, troubles


def natural(name: str) -> tuple[tuple[str, int], ...]:
    """A key that sorts names as people do, numbers in them by size: ``graded-25`` before ``graded-100``."""
    return tuple((text, int(number or -1)) for text, number in re.findall(r"(\D*)(\d*)", name, flags=re.ASCII))
