"""Write `levels.npz`, the levels that training saw, into checkpoints that were trained before runs recorded it.

    python analyses/levels_seen.py checkpoints/*

All games of a run draw their levels from one generator, in the order in which episodes end: the first k levels of a
run follow from its seed, whatever the policy does, and k is the number of games and of the episodes in `metrics.jsonl`.
(Playing the first rollout again gives the episodes that are recorded there.) Where the metrics tell the mean length of
the newest episodes alone, k is bounded from above, and the file says that it may hold levels that were not seen.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from mechinterp.coinrun.levels import LevelSource
from mechinterp.policies import checkpoints
from mechinterp.policies.seen_levels import SeenLevels, drawn_levels
from mechinterp.training import records
from mechinterp.training.organisms import ORGANISMS

MORE = 1.05
"""Levels to take in for each that the mean lengths of episodes let expect."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    arguments = parser.parse_args()
    known: dict[tuple[str, int], int] = {}
    for folder in arguments.folders:
        provenance = checkpoints.read(folder).card.provenance
        recipe = ORGANISMS[provenance["organism"]["name"]]
        metrics, games = records.read_metrics(folder), recipe.ppo.num_envs
        if exact := all("episodes" in row for row in metrics):
            drawn = games + sum(int(row["episodes"]) for row in metrics)
        else:
            ended = sum(recipe.ppo.batch / row["episode_length"] for row in metrics if "episode_length" in row)
            drawn = games + math.ceil(MORE * ended)
        identities = []
        with LevelSource(recipe.options) as source:
            for level_seed in drawn_levels(recipe.levels, seed=provenance["seed"], count=drawn):
                key = (repr(recipe.options), level_seed)
                if key not in known:
                    known[key] = source.identity(level_seed)
                identities.append(known[key])
        seen = SeenLevels.of(identities, exact=exact)
        seen.write(folder)
        size = (folder / "levels.npz").stat().st_size
        print(f"{folder}: {len(seen)} levels, {seen.drawn} drawn, exact: {seen.exact}, {size} bytes", flush=True)


if __name__ == "__main__":
    main()
