"""`mechinterp patch`: which parts of a network carry a variable's effect on the action, by exact patching."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mechinterp.commands import Command, seed

if TYPE_CHECKING:
    from mechinterp.circuits.sweeps import PatchingSweep
    from mechinterp.coinrun.scenes import MinimalPairs
    from mechinterp.interventions.sites import Site
    from mechinterp.policies.subject import Subject

FEWEST = 4
"""Levels that the pairs must come from: some to choose on, and two or more to report on."""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path, help="a checkpoint folder, or a weights file of another project")
    parser.add_argument("--variable", default="coin side", help="what differs in the pairs (default 'coin side')")
    parser.add_argument(
        "--metric", default="movement", help="what is read: movement (default), jump, value, kl, or action:NAME"
    )
    parser.add_argument(
        "--hook",
        action="append",
        metavar="PATTERN",
        help="hook points to patch, such as 'block2.*'; may be repeated (default: the output of every stage)",
    )
    parser.add_argument(
        "--by", default="channel", choices=["channel", "layer", "position"], help="what a patch takes (default channel)"
    )
    parser.add_argument(
        "--direction",
        default="denoise",
        choices=["denoise", "noise"],
        help="denoise: what suffices to restore the effect (default); noise: what is needed for it",
    )
    parser.add_argument("--levels", type=int, default=60, help="levels to take scenes from (default 60)")
    parser.add_argument("--top", type=int, default=10, help="sites to measure on levels of their own (default 10)")
    parser.add_argument("--seed", type=seed, default=0, help="random seed (default 0)")
    parser.add_argument("--memory", type=int, default=1024, metavar="MIB", help="for activations (default 1024 MiB)")
    parser.add_argument("--out", type=Path, help="folder for patch.json and patch.csv (default: print only)")
    parser.add_argument("--format", metavar="NAME", help="layout of a foreign file, if it cannot be auto-detected")


def _run(arguments: argparse.Namespace) -> None:
    from contextlib import nullcontext

    from mechinterp._folders import held
    from mechinterp.circuits.metrics import Measure
    from mechinterp.coinrun.scenes import VARIABLES
    from mechinterp.coinrun.scenes.pool import pool_episodes
    from mechinterp.errors import MechinterpError, nearest
    from mechinterp.interventions.sites import sites_by
    from mechinterp.policies.stages import stage_outputs
    from mechinterp.policies.subject import load

    if arguments.variable not in VARIABLES:  # before anything is played
        raise MechinterpError(f"no variable is called {arguments.variable!r}{nearest(arguments.variable, VARIABLES)}")
    for name, least, most in (("levels", 5, len(pool_episodes("easy"))), ("top", 1, 1000), ("memory", 1, 1 << 20)):
        if not least <= getattr(arguments, name) <= most:
            raise MechinterpError(f"--{name} {getattr(arguments, name)}: allowed are {least} to {most:,}")
    subject = load(arguments.checkpoint, format=arguments.format)
    sites = sites_by(subject.policy, arguments.hook or stage_outputs(subject.policy), arguments.by)
    Measure(subject.policy, arguments.metric)
    with nullcontext() if arguments.out is None else held(arguments.out, error=MechinterpError):
        _sweep(arguments, subject, sites)


def _sweep(arguments: argparse.Namespace, subject: Subject, sites: Sequence[Site]) -> None:
    import numpy as np

    from mechinterp.circuits.errors import BudgetTooSmall
    from mechinterp.circuits.sweeps import patching_sweep
    from mechinterp.errors import MechinterpError

    pairs = subject.pairs(arguments.variable, levels=arguments.levels, seed=arguments.seed)
    if pairs.n_levels < FEWEST:
        raise MechinterpError(
            f"only {pairs.n_levels} of {arguments.levels} levels have room to change {arguments.variable!r}, and "
            f"{FEWEST} are needed; give more with --levels"
        )
    choose, report = subject.split(pairs, seed=arguments.seed)
    try:
        found = patching_sweep(
            subject.policy,
            choose,
            report,
            sites,
            rng=np.random.default_rng(arguments.seed),
            metric=arguments.metric,
            direction=arguments.direction,
            top=arguments.top,
            memory=arguments.memory << 20,
        )
    except BudgetTooSmall as error:
        raise MechinterpError(
            f"--memory {arguments.memory}: one pair needs {-(-error.needed >> 20)} MiB in this network"
        ) from error
    print(
        f"{arguments.checkpoint}: {pairs.clean_label} against {pairs.corrupted_label}, {arguments.metric}, "
        f"{arguments.direction}"
    )
    print(f"{len(sites)} sites; {choose.n_levels} levels to choose on, {report.n_levels} to report on")
    for line in found.lines():
        print(line)
    if arguments.out is not None:
        _write(arguments, pairs, found)


def _write(arguments: argparse.Namespace, pairs: MinimalPairs, found: PatchingSweep) -> None:
    import json

    from mechinterp._files import write_text
    from mechinterp._text import visible

    settings = {
        "command": visible(shlex.join(["mechinterp", *sys.argv[1:]])),
        "checkpoint": visible(str(arguments.checkpoint)),
        "variable": pairs.variable,
        "clean": pairs.clean_label,
        "corrupted": pairs.corrupted_label,
        "levels": arguments.levels,
        "seed": arguments.seed,
    }
    write_text(
        arguments.out / "patch.json", json.dumps(settings | {"sweep": found.to_dict()}, indent=1, allow_nan=False)
    )
    write_text(arguments.out / "patch.csv", found.to_csv())
    print(arguments.out / "patch.csv")


COMMAND = Command(
    summary="rank channels, layers or positions by how much of a variable's effect they carry",
    example="mechinterp patch checkpoints/standard --variable 'coin side' --out build/patch\n"
    "mechinterp patch checkpoints/standard --variable 'hazard ahead' --metric jump --by position --direction noise",
    configure=_configure,
    run=_run,
)
