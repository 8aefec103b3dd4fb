"""`mechinterp organisms`: the recipes of model organisms, and which are trained."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mechinterp._text import one_line, visible
from mechinterp.commands import Command

if TYPE_CHECKING:
    from mechinterp.training import FoundRun


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=Path("checkpoints"),
        help="where trained ones are (default: checkpoints)",
    )


def _run(arguments: argparse.Namespace) -> None:
    from mechinterp.training import ORGANISMS, TrainingError, find_runs
    from mechinterp.training.records import natural

    if not arguments.folder.is_dir() and arguments.folder != Path("checkpoints"):
        raise TrainingError(f"{arguments.folder}: no such folder")
    recipes = [
        (o.name, o.placement, f"{o.budget:,}", o.value)
        for _, o in sorted(ORGANISMS.items(), key=lambda one: natural(one[0]))
    ]
    _print_table(("recipe", "placement", "steps", "what it is paid for"), recipes, right=(2,))
    runs, troubles = find_runs(arguments.folder)
    print()
    if runs:
        rows = [
            (
                visible(run.folder.name),
                visible(run.organism),
                str(run.seed),
                f"{run.steps:,}",
                f"{run.last['episode_return']:.1f}" if run.last and "episode_return" in run.last else "-",
                str(run.series),
                _confirmed(run),
                "yes" if run.resumable else "no",
            )
            for run in runs
        ]
        columns = (f"in {arguments.folder}", "recipe", "seed", "steps", "return*", "series", "confirmed", "can go on")
        _print_table(columns, rows, right=(2, 3, 4, 5))
        print("* of the last 100 training episodes, with sampled actions")
        print(
            "confirmed: does what it was paid for in at least 90 % of every easy fork; open where coin and end are paid"
        )
        print("alike; - where `mechinterp card` has not looked")
    else:
        print(f"none is trained in {arguments.folder}; for example: mechinterp train coin")
    for trouble in troubles:
        print(f"unreadable: {one_line(trouble)}", file=sys.stderr)


def _confirmed(run: FoundRun) -> str:
    if run.evaluation is None:
        return "-"
    return {True: "yes", False: "no", None: "open"}[run.evaluation["qualified"]]


def _print_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int]) -> None:
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    for row in [head, *rows]:
        cells = [
            cell.rjust(w) if at in right else cell.ljust(w)
            for at, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())


COMMAND = Command(
    summary="list the recipes of model organisms, and those trained",
    example="mechinterp organisms\nmechinterp organisms runs",
    configure=_configure,
    run=_run,
)
