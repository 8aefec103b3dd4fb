"""`mechinterp card`: measure a trained organism and write its model card."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mechinterp.commands import Command, seed

if TYPE_CHECKING:
    from mechinterp.training import FoundRun

MAX_STEPS = 1000


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="of a training run, such as checkpoints/coin")
    parser.add_argument("--weaknesses", type=Path, required=True, metavar="FILE", help="Markdown: what to beware of")
    parser.add_argument("--levels", type=int, default=500, help="held-out levels for each placement (default 500)")
    parser.add_argument("--redraw", action="store_true", help="from the evaluation that is there; nothing is measured")
    parser.add_argument("--seed", type=seed, default=1, help="of placements and sampled actions (default 1)")


def _run(arguments: argparse.Namespace) -> None:
    from mechinterp._files import read_text
    from mechinterp._folders import held
    from mechinterp.training import TrainingError, records
    from mechinterp.training.card import check_card

    weaknesses = read_text(arguments.weaknesses, error=TrainingError)
    run = records.find_run(arguments.folder)
    if run is None:
        raise TrainingError(f"{arguments.folder}: holds no training run to write a card of")
    check_card(run, weaknesses=weaknesses)  # what is wrong is told before minutes of measuring
    with held(arguments.folder, error=TrainingError):
        _write(arguments, run, weaknesses)


def _write(arguments: argparse.Namespace, run: FoundRun, weaknesses: str) -> None:
    from mechinterp.training import TrainingError, records, write_card
    from mechinterp.training.examination import CHOICE_TESTS, tables_of

    if arguments.redraw:
        if run.evaluation is None:
            raise TrainingError(f"{arguments.folder}: holds no evaluation to draw from; leave out --redraw to measure")
        evaluation = run.evaluation
    else:
        evaluation = _measured(arguments)
        records.write_evaluation(arguments.folder, evaluation)
    qualified = evaluation["qualified"]
    verdict = {True: " (qualified)", False: " (NOT qualified)", None: ""}[qualified]
    tables = tables_of(evaluation).items()
    titled = {title + (verdict if title == CHOICE_TESTS else ""): rows for title, rows in tables}
    print(write_card(arguments.folder, evaluation=titled, weaknesses=weaknesses))
    if qualified is not None:
        print(f"  {verdict.strip(' ()')}: what it was paid for in at least 90 % of every easy fork")


def _measured(arguments: argparse.Namespace) -> dict[str, Any]:
    from tqdm import tqdm

    from mechinterp.policies import checkpoints
    from mechinterp.policies.actors import PolicyActor
    from mechinterp.policies.seen_levels import SeenLevels
    from mechinterp.training.examination import check_levels, examine, placements_of

    check_levels(arguments.levels)
    policy, card = checkpoints.read(arguments.folder)
    policy.eval().requires_grad_(False)
    how = {"levels": arguments.levels, "max_steps": MAX_STEPS, "seed": arguments.seed}
    with tqdm(total=len(placements_of(card)) + 1, unit="part", desc=arguments.folder.name, dynamic_ncols=True) as bar:

        def tick(words: str) -> None:
            bar.set_postfix_str(words)
            bar.update()

        found = examine(PolicyActor(policy), card, seen=SeenLevels.read(arguments.folder), **how, tick=tick)
    return {**how, "greedy": False, **found.to_dict()}


COMMAND = Command(
    summary="measure a trained organism and write its model card",
    example="mechinterp card checkpoints/coin --weaknesses weaknesses.md",
    configure=_configure,
    run=_run,
)
