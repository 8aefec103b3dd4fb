"""How a training run is carried out: on what, and how often it saves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from mechinterp.training.errors import TrainingError
from mechinterp.training.machine import cores

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
"""By name. On CUDA, torch's float32 convolutions round to TF32 unless it is told otherwise."""


def default_precision(device_type: str) -> str:
    """What a run on this kind of device computes in, where nobody says."""
    return "float32" if device_type == "cpu" else "bfloat16"


@dataclass(frozen=True)
class RunOptions:
    """How a run is carried out. Device and precision change roundings and random numbers, the rest not even these.

    Attributes:
        device: where the network runs. A run goes on only on the kind of device that it began on.
        precision: of the network's arithmetic, one of `PRECISIONS`; None: bfloat16 on CUDA, float32 on a CPU. bfloat16
            is faster on processors that compute in it (AVX-512 BF16, AMX). A run goes on only in its own.
        env_threads: threads of the game library (0 steps the games in the caller's thread). None: on a CPU as many as
            the network has, if these are several; with a GPU, all cores.
        save_every: seconds between saves.
        tensorboard: whether to also write TensorBoard files, under ``tensorboard/`` in the folder.
        on_update: told the metrics after each update (for a progress bar).
    """

    device: str = "cpu"
    precision: str | None = None
    env_threads: int | None = None
    save_every: float = 180.0
    tensorboard: bool = False
    on_update: Callable[[dict[str, float]], None] = lambda metrics: None

    def __post_init__(self) -> None:
        try:
            kind = torch.device(self.device).type
        except RuntimeError:
            kind = ""
        if kind not in ("cpu", "cuda"):
            raise TrainingError(f"device: {self.device!r}, allowed are 'cpu', 'cuda' and 'cuda:NUMBER'")
        if kind == "cuda" and (torch.device(self.device).index or 0) >= torch.cuda.device_count():
            raise TrainingError(
                f"device: {self.device!r}, but this torch ({torch.__version__}) sees {torch.cuda.device_count()} CUDA "
                "GPUs (they count from 0); use 'cpu' where there is none"
            )
        if self.precision is not None and self.precision not in PRECISIONS:
            raise TrainingError(f"precision: {self.precision!r}, allowed are {', '.join(PRECISIONS)}")
        if (self.env_threads or 0) < 0 or not self.save_every >= 0:
            raise TrainingError(
                f"env_threads: {self.env_threads}, save_every: {self.save_every}; neither may be negative"
            )

    @property
    def arithmetic(self) -> str:
        """The precision that is meant, one of `PRECISIONS`."""
        return self.precision or default_precision(torch.device(self.device).type)

    @property
    def groups(self) -> int:
        """Groups of games that take turns (`training.games`): with a GPU, one steps while the other is looked at."""
        return 1 if torch.device(self.device).type == "cpu" else 2

    @property
    def threads_of_games(self) -> int:
        """Threads of the game library for each group."""
        if self.env_threads is not None:
            return self.env_threads
        if torch.device(self.device).type == "cpu":
            return threads if (threads := torch.get_num_threads()) > 1 else 0
        return max(1, cores() // self.groups)
