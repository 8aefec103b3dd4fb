"""One training run in one folder: resumable at any moment, with a series of checkpoints along the way."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mechinterp.coinrun.env import CoinRunEnv
from mechinterp.policies import checkpoints
from mechinterp.policies.networks import build
from mechinterp.training.memory import keep_freed_memory
from mechinterp.training.organisms import Organism
from mechinterp.training.ppo import PPO, TrainingError

RESUME_FILE = "resume.pt"
METRICS_FILE = "metrics.jsonl"
SERIES_FIRST = 16_000
SERIES_GROWTH = 1.6


@dataclass(frozen=True)
class RunOptions:
    """How a run is carried out; nothing here changes what is learned.

    Attributes:
        device: where the network runs.
        env_threads: threads of the game library (0 steps the games in the caller's thread).
        save_every: seconds between saves.
        tensorboard: whether to also write TensorBoard files, under ``tensorboard/`` in the folder.
        on_update: told the metrics after each update (for a progress bar).
    """

    device: str = "cpu"
    env_threads: int = 0
    save_every: float = 180.0
    tensorboard: bool = False
    on_update: Callable[[dict[str, float]], None] = lambda metrics: None


def series_steps(budget: int) -> list[int]:
    """When to keep a checkpoint: at initialisation, then at steps that grow geometrically, and at the end."""
    steps, at = [0], float(SERIES_FIRST)
    while at < budget / SERIES_GROWTH**0.5:  # the end itself is kept too: no near twin just before it
        steps.append(round(at))
        at *= SERIES_GROWTH
    return [*steps, budget]


class Run:
    """Trains one organism with one seed in ``folder``, going on from what is there.

    Raises:
        TrainingError: if the folder holds another recipe or seed, or was already trained for longer than the budget.
    """

    def __init__(self, recipe: Organism, folder: Path, *, seed: int, options: RunOptions = RunOptions()) -> None:
        self.recipe = recipe
        self.folder = folder
        self.seed = seed
        self.options = options
        self.identity = _identity(recipe, seed)
        self.seconds = 0.0
        keep_freed_memory()
        folder.mkdir(parents=True, exist_ok=True)
        saved = self._saved()
        env = CoinRunEnv(
            recipe.ppo.num_envs, recipe.source(), levels=recipe.levels, goal=recipe.goal, threads=options.env_threads
        )
        self.ppo = PPO(build(recipe.network, seed=seed), env, recipe.ppo, seed=seed, device=options.device)
        if saved is not None:
            self.ppo.load_state_dict(saved["ppo"])
            self.seconds = saved["seconds"]
        _truncate_metrics(folder / METRICS_FILE, self.ppo.steps)

    def train(self) -> None:
        """Train until the budget is spent, saving on the way."""
        pending = [step for step in series_steps(self.recipe.budget) if step > self.ppo.steps or step == 0 == self.ppo.steps]
        self._keep_passed(pending)
        last_save = time.monotonic()
        with _board(self.folder, self.options) as write:
            while self.ppo.steps < self.recipe.budget:
                began = time.monotonic()
                metrics = self.ppo.update()
                self.seconds += time.monotonic() - began
                metrics = {"steps": metrics["steps"], "seconds": round(self.seconds, 1), **metrics}
                _append(self.folder / METRICS_FILE, metrics)
                write(metrics)
                self.options.on_update(metrics)
                self._keep_passed(pending)
                if time.monotonic() - last_save > self.options.save_every:
                    self.save()
                    last_save = time.monotonic()
        self.save()

    def save(self) -> None:
        """Write the policy and all that is needed to go on. A failure leaves the last good files as they were."""
        # The policy goes first: a kill between the two leaves a resume file that is older, never newer, than it.
        checkpoints.save(self.ppo.policy, self.folder, provenance=self._provenance())
        _atomically(self.folder / RESUME_FILE, lambda path: torch.save(self._resume_state(), path))

    def _provenance(self) -> dict[str, Any]:
        return {**self.identity, "steps": self.ppo.steps, "seconds": round(self.seconds, 1)}

    def _resume_state(self) -> dict[str, Any]:
        return {"identity": self.identity, "seconds": self.seconds, "ppo": self.ppo.state_dict()}

    def _saved(self) -> dict[str, Any] | None:
        path = self.folder / RESUME_FILE
        if not path.exists():
            if checkpoints.series(self.folder):
                raise TrainingError(
                    f"{self.folder}: holds a finished series but no {RESUME_FILE} to go on from; choose another folder"
                )
            return None
        saved = torch.load(path, weights_only=True)
        differs = _difference(saved["identity"], self.identity)
        if differs:
            raise TrainingError(f"{self.folder}: holds another run ({differs}); choose another folder, or that recipe")
        if saved["ppo"]["steps"] > self.recipe.budget:
            raise TrainingError(
                f"{self.folder}: already trained for {saved['ppo']['steps']:,} steps, over the budget of "
                f"{self.recipe.budget:,}; give a larger one to train on"
            )
        return saved

    def _keep_passed(self, pending: list[int]) -> None:
        """Keep a half-precision checkpoint for each planned step that has been reached."""
        while pending and self.ppo.steps >= pending[0]:
            pending.pop(0)
            if pending and self.ppo.steps >= pending[0]:
                continue  # one update passed several: one checkpoint stands for them
            checkpoints.save_step(self.ppo.policy, self.folder, step=self.ppo.steps)


def _identity(recipe: Organism, seed: int) -> dict[str, Any]:
    plain = recipe.as_dict()
    del plain["budget"], plain["value"]  # training on, or saying it better, does not make it another run
    return {"organism": plain, "seed": seed}


def _difference(there: dict[str, Any], here: dict[str, Any]) -> str:
    """In words, the first things in which two recipes differ."""
    flat_theirs, flat_ours = ({**identity["organism"], "seed": identity["seed"]} for identity in (there, here))
    names = [name for name in flat_ours if flat_theirs.get(name) != flat_ours[name]]
    return "; ".join(f"{name}: {flat_theirs.get(name)} there, {flat_ours[name]} asked" for name in names[:3])


def _append(path: Path, metrics: dict[str, float]) -> None:
    with path.open("a") as file:
        file.write(json.dumps({name: round(value, 5) for name, value in metrics.items()}) + "\n")


def _truncate_metrics(path: Path, steps: int) -> None:
    """Drop what was logged after the checkpoint that the run resumes from: it will be logged again."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text().splitlines():
        try:
            if json.loads(line)["steps"] <= steps:
                kept.append(line + "\n")
        except json.JSONDecodeError:
            break  # the line that a kill cut short
    _atomically(path, lambda temporary: temporary.write_text("".join(kept)))


def _atomically(path: Path, write: Callable[[Path], Any]) -> None:
    """Write beside ``path`` and rename: a kill or a full disk leaves the old file whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise TrainingError(f"{path}: could not be written ({error}); the last good file is still there") from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class _board:  # noqa: N801 (used like a function)
    """A TensorBoard writer, if asked for; else nothing."""

    def __init__(self, folder: Path, options: RunOptions) -> None:
        self.writer: Any = None
        if options.tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(folder / "tensorboard")

    def __enter__(self) -> Callable[[dict[str, float]], None]:
        def write(metrics: dict[str, float]) -> None:
            if self.writer is not None:
                for name, value in metrics.items():
                    self.writer.add_scalar(name, value, int(metrics["steps"]))

        return write

    def __exit__(self, *exception: object) -> None:
        if self.writer is not None:
            self.writer.close()
