"""`mechinterp report`: measure a policy and write what was found as one page."""

from __future__ import annotations

import argparse

from mechinterp.commands import Command
from mechinterp.commands._pages import add_arguments, measure_page


def _configure(parser: argparse.ArgumentParser) -> None:
    add_arguments(parser, out="report-NAME", levels="default 200; 40 with --quick")


def _run(arguments: argparse.Namespace) -> None:
    measure_page("report", arguments, folder="report-{name}")


COMMAND = Command(
    summary="measure what a policy wants, and write figures and numbers as one page",
    example="mechinterp report checkpoints/standard --out build/report",
    configure=_configure,
    run=_run,
)
