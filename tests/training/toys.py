"""A recipe that trains in seconds: few games, short rollouts, a tiny network."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from mechinterp.policies import ImpalaConfig
from mechinterp.training import Organism, PPOConfig, Run, RunOptions, organism

TINY = ImpalaConfig((2, 4), res_blocks=1, stem_kernel=5, stem_stride=4, hidden=8, actions=tuple(range(9)))
TOY_PPO = PPOConfig(num_envs=4, rollout_steps=8, epochs=2, minibatches=2)
BATCH = TOY_PPO.batch


def toy(*, updates: int = 4, **changes: Any) -> Organism:
    """The recipe of `standard`, except that it is tiny."""
    small: dict[str, Any] = {"network": TINY, "ppo": TOY_PPO, "budget": updates * BATCH, "clock": 20}
    return dataclasses.replace(organism("standard"), **small | changes)


def train(folder: Path, *, updates: int = 4, seed: int = 0, save_every: float = 1e9, **changes: Any) -> int:
    """Run the toy to its budget; the steps at its end."""
    options = RunOptions(save_every=save_every)
    with Run(toy(updates=updates, **changes), folder, seed=seed, options=options) as run:
        run.train()
        return run.steps


def untimed(folder: Path) -> list[dict[str, float]]:
    """The metrics, apart from what the clock on the wall says."""
    clocked = ("seconds", "steps_per_second", "collect_share")
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name not in clocked} for row in rows]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file, by its path in the folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
