"""`mechinterp compare`: what several atlases say, side by side."""

from __future__ import annotations

import argparse
from pathlib import Path

from mechinterp.commands import Command


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("atlas", type=Path, nargs="+", help="atlas.json of a subject, or NAME.json of a comparison")
    parser.add_argument(
        "--untrained", type=Path, help="results of analyses/untrained_networks.py: how often the search is wrong"
    )
    parser.add_argument("--out", type=Path, default=Path("comparison"), help="folder to write (default: comparison)")


def _run(arguments: argparse.Namespace) -> None:
    from mechinterp.reports.page.comparison import write_comparison

    command = f"mechinterp compare {arguments.out}/*.json --out {arguments.out}"
    if arguments.untrained is not None:
        command += f" --untrained {arguments.untrained}"
    page, note = write_comparison(arguments.atlas, arguments.out, command=command, untrained=arguments.untrained)
    print(page)
    if note:
        print(f"  ({note})")


COMMAND = Command(
    summary="put the atlases of several subjects side by side",
    example="mechinterp compare build/*/atlas.json --out build/comparison",
    configure=_configure,
    run=_run,
)
