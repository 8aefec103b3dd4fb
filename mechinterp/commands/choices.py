"""`mechinterp choices`: which values explain what a policy chooses."""

from __future__ import annotations

import argparse

from mechinterp.commands import Command
from mechinterp.commands._pages import add_arguments, measure_page


def _configure(parser: argparse.ArgumentParser) -> None:
    add_arguments(parser, out="choices-NAME", levels="default 150; 60 with --quick")


def _run(arguments: argparse.Namespace) -> None:
    measure_page("choices", arguments, folder="choices-{name}")


COMMAND = Command(
    summary="fit which values explain a policy's choices, of all that its actions would bring about",
    example="mechinterp choices checkpoints/standard --quick",
    configure=_configure,
    run=_run,
)
