"""What the commands that measure a page share: arguments, what is refused first, progress, and writing."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mechinterp.commands import seed

if TYPE_CHECKING:
    from tqdm import tqdm

    from mechinterp.experiments.slice import Slice


def add_arguments(parser: argparse.ArgumentParser, *, out: str, levels: str) -> None:
    """The arguments of every page.

    Args:
        out: how the folder is called by default, such as "report-NAME".
        levels: how many levels are played by default, in words.
    """
    parser.add_argument("checkpoint", type=Path, help="a checkpoint folder, or a weights file of another project")
    parser.add_argument("--out", type=Path, help=f"folder to write (default: {out})")
    parser.add_argument("--levels", type=int, help=f"held-out levels ({levels})")
    parser.add_argument("--seed", type=seed, default=0, help="random seed (default 0)")
    parser.add_argument("--quick", action="store_true", help="a first look: wide intervals, no PNG files")
    parser.add_argument(
        "--only", action="append", metavar="SECTION",
        help="measure this section alone, with those that it needs; may be repeated",
    )  # fmt: skip
    parser.add_argument("--format", metavar="NAME", help="layout of a foreign file, if it cannot be auto-detected")


def measure_page(page: str, arguments: argparse.Namespace, *, folder: str, hooks: list[str] | None = None) -> None:
    """Measure a page, write it, and print where it is and what it says.

    Whatever can be refused before anything is measured is refused first, cheapest first.

    Args:
        folder: where to write by default; ``{name}`` stands for the policy's name.
        hooks: hook points, where the page takes a choice.
    """
    import dataclasses

    from tqdm import tqdm

    from mechinterp._text import visible
    from mechinterp.experiments import drawing, folders, runner
    from mechinterp.policies.subject import Subject

    sections = runner.chosen(page, arguments.only)
    plan = runner.default_plan(page, quick=arguments.quick, levels=arguments.levels, seed=arguments.seed)
    subject = Subject.load(arguments.checkpoint, format=arguments.format)
    if hooks is not None:
        plan = dataclasses.replace(plan, hooks=subject.policy.select(hooks))
    out = arguments.out or Path(folder.format(name=subject.identity.name))
    command = visible(shlex.join(["mechinterp", *sys.argv[1:]]))
    with (
        folders.claimed(page, subject, plan, out, only=arguments.only),
        tqdm(total=len(sections) + 1, unit="section", desc=subject.name, dynamic_ncols=True) as bar,
    ):
        progress = _Bar(bar)
        results = runner.run(page, subject, plan, folder=out, only=arguments.only, command=command, progress=progress)
        progress.next("drawing")
        written = folders.write_page(results, out, png=not arguments.quick)
        bar.update()
    print(written.page)
    for line in drawing.headlines(results):
        print(f"  {line}")
    if written.note:
        print(f"  ({written.note})")


class _Bar:
    """Progress as a bar, one step a section."""

    def __init__(self, bar: tqdm) -> None:
        self._bar = bar
        self._begun = False

    def next(self, words: str) -> None:
        """What was begun is done; what comes next."""
        self._bar.update(int(self._begun))
        self._begun = True
        self._bar.set_postfix_str(words)

    def start(self, one: Slice) -> None:
        """A slice begins."""
        self.next(one.name)

    def tick(self, words: str) -> None:
        """What is being done within it."""
        self._bar.set_postfix_str(words)
