"""`mechinterp card`: measure a trained organism and write its model card."""

from __future__ import annotations

import argparse
from pathlib import Path

from mechinterp.commands import Command, seed

MAX_STEPS = 1000


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="of a training run, such as checkpoints/coin")
    parser.add_argument("--weaknesses", type=Path, required=True, metavar="FILE", help="Markdown: what to beware of")
    parser.add_argument("--levels", type=int, default=500, help="unseen levels for each placement (default 500)")
    parser.add_argument("--seed", type=seed, default=1, help="of placements and sampled actions (default 1)")


def _run(arguments: argparse.Namespace) -> None:
    from tqdm import tqdm

    from mechinterp.policies import checkpoints
    from mechinterp.policies.actors import PolicyActor
    from mechinterp.training import TrainingError, records, write_card
    from mechinterp.training.examination import CHOICE_TESTS, PLACEMENTS, examine

    try:
        weaknesses = arguments.weaknesses.read_text()
    except OSError as error:
        raise TrainingError(f"{arguments.weaknesses}: cannot be read: {error.strerror}") from error
    policy, card = checkpoints.read(arguments.folder)
    policy.eval().requires_grad_(False)
    with tqdm(total=len(PLACEMENTS) + 2, unit="part", desc=arguments.folder.name, dynamic_ncols=True) as bar:

        def tick(words: str) -> None:
            bar.set_postfix_str(words)
            bar.update()

        how = {"levels": arguments.levels, "max_steps": MAX_STEPS, "seed": arguments.seed}
        found = examine(PolicyActor(policy), card, **how, tick=tick)
    records.write_evaluation(arguments.folder, {**how, "greedy": False, **found.to_dict()})
    tables = found.tables()
    if found.qualified is not None:
        verdict = "qualified" if found.qualified else "NOT qualified"
        tables = {f"{title} ({verdict})" if title == CHOICE_TESTS else title: rows for title, rows in tables.items()}
    print(write_card(arguments.folder, evaluation=tables, weaknesses=weaknesses))
    if found.qualified is not None:
        print(f"  {verdict}: what it was paid for in at least 90 % of every easy fork")


COMMAND = Command(
    summary="measure a trained organism and write its model card",
    example="mechinterp card checkpoints/coin --weaknesses weaknesses.md",
    configure=_configure,
    run=_run,
)
