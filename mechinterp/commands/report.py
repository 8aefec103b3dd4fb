"""`mechinterp report`: measure a policy and write what was found as one page."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from mechinterp.commands import Command, seed


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path, help="a checkpoint folder, or a weights file of another project")
    parser.add_argument("--out", type=Path, help="folder to write (default: report-NAME)")
    parser.add_argument("--levels", type=int, help="unseen levels to play (default 200; 40 with --quick)")
    parser.add_argument("--seed", type=seed, default=0, help="of every random draw (default 0)")
    parser.add_argument("--quick", action="store_true", help="a first look: wide intervals, no PNG files")
    parser.add_argument("--format", metavar="NAME", help="layout of a foreign file, where its keys do not tell")


def _run(arguments: argparse.Namespace) -> None:
    from tqdm import tqdm

    from mechinterp import reports
    from mechinterp.reports.measure.run import measure
    from mechinterp.reports.measure.subject import Plan, Subject
    from mechinterp.reports.store import forget
    from mechinterp.reports.summary import headlines

    subject = Subject.load(arguments.checkpoint, format=arguments.format)
    make = Plan.quick if arguments.quick else Plan
    chosen = {} if arguments.levels is None else {"levels": arguments.levels}
    plan = make(seed=arguments.seed, **chosen)
    folder = arguments.out or Path(f"report-{subject.name}")
    folder.mkdir(parents=True, exist_ok=True)  # a folder that cannot be made is told before anything is measured
    command = shlex.join(["mechinterp", *sys.argv[1:]])
    with tqdm(total=STEPS, unit="step", desc=subject.name, dynamic_ncols=True) as bar:

        def tick(words: str) -> None:
            bar.set_postfix_str(words)
            bar.update()

        results = measure(subject, plan, folder, command=command, tick=tick)
        tick("drawing")
        written = reports.write(results, folder, png=not arguments.quick)
        forget(folder)
    print(f"{written.page}")
    for line in headlines(results):
        print(f"  {line}")
    if written.note:
        print(f"  ({written.note})")


STEPS = 32
"""About how often the measurements say what they do: the length of the progress bar."""

COMMAND = Command(
    summary="measure what a policy wants, and write figures and numbers as one page",
    example="mechinterp report checkpoints/standard --out build/report",
    configure=_configure,
    run=_run,
)
