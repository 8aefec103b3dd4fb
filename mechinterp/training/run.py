"""One training run in one folder: resumable at any moment, with a series of checkpoints along the way.

What keeps a kill harmless: every file is replaced whole; `resume.pt` is the first file of a run and the last one of
every save, so that it is never newer than the policy in the folder; and all that was written after it (metrics, series)
is written again by the run that resumes from it: on a CPU, the same to the last bit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import torch

from mechinterp import _folders
from mechinterp.coinrun.env import CoinRunEnv
from mechinterp.policies import checkpoints
from mechinterp.policies.networks import build
from mechinterp.policies.seen_levels import SeenLevels
from mechinterp.policies.subject import Subject, load
from mechinterp.training import records
from mechinterp.training.errors import TrainingError
from mechinterp.training.games import Games
from mechinterp.training.levels import levels_of
from mechinterp.training.machine import describe_machine
from mechinterp.training.memory import keep_freed_memory
from mechinterp.training.options import PRECISIONS, RunOptions
from mechinterp.training.organisms import Organism, organism
from mechinterp.training.ppo import PPO
from mechinterp.training.resuming import saved_run
from mechinterp.training.run_identity import identity

SERIES_FIRST = 16_000
SERIES_GROWTH = 1.6


def series_steps(budget: int) -> list[int]:
    """When to keep a checkpoint: at initialisation, then at steps that grow geometrically, and at the end."""
    steps, at = [0], float(SERIES_FIRST)
    while at < budget / SERIES_GROWTH**0.5:  # the end itself is kept too: no near twin just before it
        steps.append(round(at))
        at *= SERIES_GROWTH
    return [*steps, budget]


def _shares(number: int, parts: int) -> list[int]:
    """``number`` as a sum of at most ``parts`` numbers that are as equal as can be."""
    parts = min(number, parts)
    return [number // parts + (at < number % parts) for at in range(parts)]


def train(
    recipe: Organism | str,
    folder: str | Path,
    *,
    seed: int = 0,
    options: RunOptions | None = None,
) -> Subject:
    """Train an organism to the end of its budget, going on from what is in the folder, and read it.

    Args:
        recipe: a name in `ORGANISMS`, or a recipe (`organism` gives those of this library with another network or
            budget).
        folder: where the policy, its series of checkpoints and its metrics go.
        seed: random seed of weights, levels and actions.
        options: device, precision and the like; see `RunOptions`.

    Raises:
        TrainingError: an unknown name; and as `Run`.
    """
    made = organism(recipe) if isinstance(recipe, str) else recipe
    with Run(made, Path(folder), seed=seed, options=options) as run:
        run.train()
    return load(folder)


class Run:
    """Trains one organism with one seed in ``folder``, going on from what is there.

    It holds the folder until `close` (or the end of a ``with`` block, or of the process): one run at a time.

    Raises:
        TrainingError: if the folder holds another recipe or seed, a checkpoint that cannot be trained on, a damaged
            resume file, lost metrics, or a policy already trained for longer than the budget; if another process writes
            there; if the run began on another kind of device or in another precision; or if a file cannot be written.
    """

    def __init__(self, recipe: Organism, folder: Path, *, seed: int, options: RunOptions | None = None) -> None:
        if recipe.budget < 1:
            raise TrainingError(f"budget: {recipe.budget} steps, at least 1 is needed")
        if not 0 <= seed < 2**63:
            raise TrainingError(f"seed: {seed}, allowed are 0 to 2**63 - 1")
        self.recipe = recipe
        self.folder = Path(folder)
        self.seed = seed
        self.options = options = options or RunOptions()
        self.identity = identity(recipe, seed)
        self.seconds = 0.0
        self.saved_steps = 0
        """Where the run would go on from if it stopped now."""
        keep_freed_memory()
        with ExitStack() as held:
            held.enter_context(_folders.held(self.folder, parts=(checkpoints.SERIES,), error=TrainingError))
            saved = saved_run(self.folder, self.identity, recipe, options)
            source = recipe.source()
            held.callback(source.close)
            games = Games(
                [
                    CoinRunEnv(
                        size,
                        source,
                        levels=recipe.levels,
                        goal=recipe.goal,
                        threads=options.threads_of_games,
                    )
                    for size in _shares(recipe.ppo.num_envs, options.groups)
                ]
            )
            held.callback(games.close)
            self.ppo = PPO(
                build(recipe.network, seed=seed),
                games,
                recipe.ppo,
                seed=seed,
                device=options.device,
                dtype=PRECISIONS[options.arithmetic],
            )
            held.callback(self.ppo.network.close)
            self._fresh = saved is None
            if saved is not None:
                self.ppo.load_state_dict(saved["ppo"])
                self.seconds = saved["seconds"]
                self.saved_steps = self.steps
                with self._writing():
                    records.truncate_metrics(self.folder, self.ppo.steps)
            self._held = held.pop_all()

    @property
    def steps(self) -> int:
        """Environment steps taken so far."""
        return self.ppo.steps

    def train(self) -> None:
        """Train until the budget is spent, saving on the way. Where it is spent already, nothing is done."""
        if self._fresh:
            with self._writing():
                self._save_resume()
                self._save_policy()
            self._fresh = False
        elif self.steps >= self.recipe.budget:
            self._record_levels()
            return
        pending = [step for step in series_steps(self.recipe.budget) if step > self.steps or step == 0 == self.steps]
        self._keep_passed(pending)
        last_save = time.monotonic()
        with self._board() as write:
            while self.steps < self.recipe.budget:
                began = time.monotonic()
                metrics = self.ppo.update()
                self.seconds += time.monotonic() - began
                metrics = {"steps": metrics["steps"], "seconds": round(self.seconds, 1), **metrics}
                with self._writing():
                    records.append_metrics(self.folder / records.METRICS_FILE, metrics)
                write(metrics)
                self.options.on_update(metrics)
                self._keep_passed(pending)
                if time.monotonic() - last_save > self.options.save_every:
                    self.save()
                    last_save = time.monotonic()
        self.save()
        self._record_levels()

    def save(self) -> None:
        """Write the policy and all that is needed to go on. A failure leaves the last good files as they were."""
        with self._writing():
            self._save_policy()
            self._save_resume()

    def close(self) -> None:
        """Give back the folder and the games. Doing it twice does no harm."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _save_policy(self) -> None:
        machine, threads = describe_machine(self.options.device), torch.get_num_threads()
        spent = {"steps": self.steps, "seconds": round(self.seconds, 1)}
        how = {"machine": machine, "threads": threads, "device": self.ppo.device.type}
        how["precision"] = self.options.arithmetic
        how["levels_drawn"] = self.ppo.collector.games.drawn
        checkpoints.save(self.ppo.policy, self.folder, provenance={**self.identity, **spent, **how})

    def _record_levels(self) -> None:
        """Write which levels were seen, once: they follow from the seed, and from how many were drawn."""
        drawn = self.ppo.collector.games.drawn
        if drawn is None or ((there := SeenLevels.read(self.folder)) is not None and there.drawn == sum(drawn)):
            return
        seen = levels_of(self.recipe, self.seed, drawn)
        with self._writing():
            seen.write(self.folder)

    def _save_resume(self) -> None:
        state = {"identity": self.identity, "seconds": self.seconds, "ppo": self.ppo.state_dict()}
        how = {"device": self.ppo.device.type, "precision": self.options.arithmetic}
        records.write_resume(self.folder / records.RESUME_FILE, {**state, **how})
        self.saved_steps = self.steps

    def _keep_passed(self, pending: list[int]) -> None:
        """Keep a half-precision checkpoint for each planned step that has been reached."""
        while pending and self.steps >= pending[0]:
            pending.pop(0)
            if pending and self.steps >= pending[0]:
                continue  # one update passed several: one checkpoint stands for them
            with self._writing():
                checkpoints.save_step(self.ppo.policy, self.folder, step=self.steps)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TrainingError(
                f"{error.filename or self.folder}: could not be written ({error.strerror}); the last good files "
                "are whole: make room, and the same command goes on from them"
            ) from error

    @contextmanager
    def _board(self) -> Iterator[Callable[[Mapping[str, float]], None]]:
        """Writes metrics to TensorBoard, if that was asked for."""
        if not self.options.tensorboard:
            yield lambda metrics: None
            return
        from torch.utils.tensorboard import SummaryWriter

        # What was written after the checkpoint that this run resumes from is to be shown no more.
        with SummaryWriter(self.folder / "tensorboard", purge_step=self.steps + 1) as writer:

            def write(metrics: Mapping[str, float]) -> None:
                for name, value in metrics.items():
                    writer.add_scalar(name, value, int(metrics["steps"]))

            yield write
