"""`mechinterp steer`: what interventions on a network make of whole episodes."""

from __future__ import annotations

import argparse

from mechinterp.commands import Command
from mechinterp.commands._pages import add_arguments, measure_page


def _configure(parser: argparse.ArgumentParser) -> None:
    add_arguments(parser, out="steering-NAME", levels="default 200; 40 with --quick")
    parser.add_argument(
        "--hooks", action="append", metavar="NAME", help="only this hook point, or pattern (block2.*); may be repeated"
    )


def _run(arguments: argparse.Namespace) -> None:
    measure_page("steering", arguments, folder="steering-{name}", hooks=arguments.hooks)


COMMAND = Command(
    summary="blind a network to the coin, steer it, write coins into it, and watch it play",
    example="mechinterp steer checkpoints/standard --quick",
    configure=_configure,
    run=_run,
)
