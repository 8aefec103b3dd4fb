"""`mechinterp locate`: where a network represents the coin, and whether that is used."""

from __future__ import annotations

import argparse

from mechinterp.commands import Command
from mechinterp.commands._pages import add_arguments, measure_page


def _configure(parser: argparse.ArgumentParser) -> None:
    add_arguments(parser, out="localization-NAME", levels="default 70; 40 with --quick")
    parser.add_argument(
        "--hooks", action="append", metavar="NAME", help="only this hook point, or pattern (block2.*); may be repeated"
    )


def _run(arguments: argparse.Namespace) -> None:
    measure_page("localization", arguments, folder="localization-{name}", hooks=arguments.hooks)


COMMAND = Command(
    summary="find where a network represents the coin, and whether this causally affects the action",
    example="mechinterp locate checkpoints/standard --out build/localization",
    configure=_configure,
    run=_run,
)
