"""`mechinterp train`: train a model organism, going on from what is there."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mechinterp.commands import Command, seed

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from mechinterp.training import Run

LINE_EVERY = 60.0
"""Seconds between lines where standard error is no terminal."""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("organism", help="a recipe; `mechinterp organisms` lists them")
    parser.add_argument("--seed", type=seed, default=0, help="random seed of weights, levels and actions (default 0)")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="default: checkpoints/ORGANISM[-NETWORK][-seedSEED], seed 0 unnamed"
    )
    parser.add_argument("--steps", type=int, metavar="N", help="environment steps in all (default: the recipe's)")
    parser.add_argument("--network", metavar="NAME", help="light or impala (default: the recipe's)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default cpu)")
    parser.add_argument(
        "--precision", metavar="NAME", help="float32 or bfloat16 (default: float32 on cpu, bfloat16 with cuda)"
    )
    parser.add_argument(
        "--threads",
        type=int,
        metavar="N",
        help="of the network on the CPU (default: torch's choice); 1 and 2 give the same bits, others other roundings",
    )
    parser.add_argument(
        "--env-threads",
        type=int,
        metavar="N",
        help="of the game; changes the speed only (default: as many as the network has; with cuda, all cores)",
    )
    parser.add_argument(
        "--save-every", type=float, default=180.0, metavar="SECONDS", help="what a kill costs at most (default 180)"
    )
    parser.add_argument(
        "--tensorboard", action="store_true", help="also write TensorBoard files, in FOLDER/tensorboard"
    )


def _run(arguments: argparse.Namespace) -> None:
    import torch

    from mechinterp.training import Run, RunOptions, TrainingError, organism

    recipe = organism(arguments.organism, network=arguments.network, budget=arguments.steps)
    if arguments.threads is not None:
        if arguments.threads < 1:
            raise TrainingError(f"--threads {arguments.threads}: at least 1 is needed")
        torch.set_num_threads(arguments.threads)
    folder = arguments.out or _default_folder(arguments)
    progress = _Progress()
    options = RunOptions(
        device=arguments.device,
        precision=arguments.precision,
        env_threads=arguments.env_threads,
        save_every=arguments.save_every,
        tensorboard=arguments.tensorboard,
        on_update=progress.update,
    )
    with Run(recipe, folder, seed=arguments.seed, options=options) as run:
        if run.steps >= recipe.budget:
            print(f"{folder}: already trained for {run.steps:,} steps; a larger --steps trains on")
            return
        try:
            with progress.of(run):
                run.train()
        except KeyboardInterrupt:
            print(f"stopped; the same command goes on from step {run.saved_steps:,}", file=sys.stderr)
            raise
        spent = f"{run.seconds / 3600:.1f} h" if run.seconds > 5400 else f"{run.seconds / 60:.1f} min"
        print(f"{folder}: {recipe.name}, seed {run.seed}: {run.steps:,} steps in {spent} of training")


def _default_folder(arguments: argparse.Namespace) -> Path:
    network = f"-{arguments.network}" if arguments.network is not None else ""
    seed = f"-seed{arguments.seed}" if arguments.seed else ""
    return Path("checkpoints", f"{arguments.organism}{network}{seed}")


class _Progress:
    """A bar on a terminal, else a line now and then, with the return and how episodes end."""

    def __init__(self) -> None:
        self._last_line = time.monotonic()

    def of(self, run: Run) -> Self:
        from tqdm import tqdm

        self._budget = run.recipe.budget
        self._bar = tqdm(
            desc=f"{run.recipe.name}, seed {run.seed}",
            total=run.recipe.budget,
            initial=run.steps,
            unit="step",
            unit_scale=True,
            dynamic_ncols=True,
            disable=None,  # where standard error is no terminal
        )
        return self

    def update(self, metrics: dict[str, float]) -> None:
        text = _told(metrics)
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.update(int(metrics["steps"]) - self._bar.n)
        if self._bar.disable and time.monotonic() - self._last_line > LINE_EVERY:
            self._last_line = time.monotonic()
            rate = metrics["steps_per_second"]
            print(f"{int(metrics['steps']):,} of {self._budget:,} steps, {rate:.0f} a second, {text}", file=sys.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.close()


def _told(metrics: dict[str, float]) -> str:
    """The newest episodes in words."""
    if "episode_return" not in metrics:
        return "no episode has ended"
    shares = ", ".join(f"{name} {metrics[f'share_{name}']:.0%}" for name in ("goal", "died", "timeout"))
    return f"return {metrics['episode_return']:.1f}, {shares}"


COMMAND = Command(
    summary="train a model organism, or go on training it",
    example="mechinterp train coin --seed 1 --out checkpoints/coin-seed1",
    configure=_configure,
    run=_run,
)
