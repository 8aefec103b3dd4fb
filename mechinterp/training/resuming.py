"""Whether a run may go on from what is in a folder, and from what."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mechinterp.policies import checkpoints
from mechinterp.training import records
from mechinterp.training.errors import TrainingError
from mechinterp.training.options import RunOptions
from mechinterp.training.organisms import Organism
from mechinterp.training.run_identity import difference


def saved_run(
    folder: Path, identity: Mapping[str, Any], recipe: Organism, options: RunOptions
) -> dict[str, Any] | None:
    """What a run goes on from; None where there is none yet.

    Raises:
        TrainingError: the folder holds another run, or one that cannot be gone on with; see `Run`.
    """
    path = folder / records.RESUME_FILE
    if not path.exists():
        _refuse_finished(folder, identity)
        return None
    saved = records.read_resume(path)
    _refuse_other(folder, saved["identity"], identity)
    steps, budget = saved["ppo"]["steps"], recipe.budget
    if steps >= budget + recipe.ppo.batch:  # a run ends with the update that passes its budget
        raise TrainingError(
            f"{folder}: already trained for {steps:,} steps, over the budget of {budget:,}; give "
            "a larger one to train on, or choose another folder"
        )
    began_on, asked = saved["device"], torch.device(options.device).type
    if began_on != asked:
        raise TrainingError(
            f"{folder}: this run began on {began_on} and cannot go on on {asked}, whose random "
            f"numbers are others; give --device {began_on}, or choose another folder"
        )
    if saved["precision"] != options.arithmetic:
        raise TrainingError(
            f"{folder}: this run began in {saved['precision']} and cannot go on in {options.arithmetic}; "
            f"give --precision {saved['precision']}, or choose another folder"
        )
    return saved


def _refuse_finished(folder: Path, identity: Mapping[str, Any]) -> None:
    """Refuse to train over what is in the folder: without a resume file, none of it can be trained on."""
    run = records.find_run(folder)
    if run is not None:
        _refuse_other(folder, run.identity, identity)
        raise TrainingError(
            f"{folder}: holds this run already, trained for {run.steps:,} steps and shipped without "
            f"the {records.RESUME_FILE} that training on needs; to train it again choose another folder"
        )
    names = (checkpoints.CONFIG, checkpoints.WEIGHTS, checkpoints.SERIES, records.METRICS_FILE)
    if there := [name for name in names if (folder / name).exists()]:
        raise TrainingError(
            f"{folder}: holds {', '.join(there)} of something that was not trained here; choose another folder"
        )


def _refuse_other(folder: Path, there: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    if differs := difference(there, asked):
        raise TrainingError(f"{folder}: holds another run ({differs}); choose another folder, or that recipe")
