"""`mechinterp compare`: what localization found about several subjects, compared."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from mechinterp.commands import Command


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results", type=Path, nargs="+", help="results.json of a localization page, or NAME.json of a comparison"
    )
    parser.add_argument(
        "--untrained", type=Path, help="what analyses/untrained_networks.py wrote: false alarms of the search"
    )
    parser.add_argument("--out", type=Path, default=Path("comparison"), help="folder to write (default: comparison)")


def _run(arguments: argparse.Namespace) -> None:
    from mechinterp.experiments.comparison import write_comparison

    out = shlex.quote(str(arguments.out))
    command = f"mechinterp compare {out}/*.json --out {out}"
    if arguments.untrained is not None:
        command += f" --untrained {shlex.quote(str(arguments.untrained))}"
    page, note = write_comparison(arguments.results, arguments.out, command=command, untrained=arguments.untrained)
    print(page)
    if note:
        print(f"  ({note})")


COMMAND = Command(
    summary="compare the localization results of several subjects",
    example="mechinterp compare build/*/results.json --out build/comparison",
    configure=_configure,
    run=_run,
)
