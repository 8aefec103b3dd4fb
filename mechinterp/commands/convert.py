"""`mechinterp convert`: weights of another project become a checkpoint folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from mechinterp.commands import Command


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, help="a .pt, .pth or .safetensors file of another project")
    parser.add_argument("destination", type=Path, help="the checkpoint folder to write; must not hold one yet")
    parser.add_argument("--format", metavar="NAME", help="layout of the file, if it cannot be auto-detected")


def _run(arguments: argparse.Namespace) -> None:
    from mechinterp import policies

    policies.convert(arguments.source, arguments.destination, format=arguments.format)
    policy, card = policies.read(arguments.destination)  # what was written, not what was meant
    weights = sum(parameter.numel() for parameter in policy.parameters())
    layout = card.source.format if card.source else "mechinterp"
    print(f"{arguments.destination}: {type(card.network).__name__} with {weights:,} weights, from a {layout} file")


COMMAND = Command(
    summary="write weights of another project as a checkpoint folder",
    example="mechinterp convert downloads/impala.pt checkpoints/impala",
    configure=_configure,
    run=_run,
)
