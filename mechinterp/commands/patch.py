"""`mechinterp patch`: which parts of a network carry a variable's effect on the action, by exact patching."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from mechinterp.commands import Command, seed

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
    import json

    import numpy as np

    from mechinterp._files import write_bytes
    from mechinterp.circuits.errors import BudgetTooSmall
    from mechinterp.circuits.metrics import Measure
    from mechinterp.circuits.sweeps import patching_sweep
    from mechinterp.coinrun.scenes import VARIABLES, minimal_pairs
    from mechinterp.coinrun.scenes.pool import pool_episodes, pool_states
    from mechinterp.errors import MechinterpError, nearest
    from mechinterp.interventions.sites import sites_by
    from mechinterp.policies import checkpoints
    from mechinterp.policies.env_options import training_env_options
    from mechinterp.policies.stages import stage_outputs
    from mechinterp.policies.subject import TRIED

    if arguments.variable not in VARIABLES:  # before anything is played
        raise MechinterpError(f"no variable is called {arguments.variable!r}{nearest(arguments.variable, VARIABLES)}")
    for name, least, most in (("levels", 5, len(pool_episodes("easy"))), ("top", 1, 1000), ("memory", 1, 1 << 20)):
        if not least <= getattr(arguments, name) <= most:
            raise MechinterpError(f"--{name} {getattr(arguments, name)}: allowed are {least} to {most:,}")
    if arguments.out is not None:
        there = next(path for path in (arguments.out, *arguments.out.absolute().parents) if path.exists())
        if not there.is_dir():
            raise MechinterpError(f"--out {arguments.out}: {there} is a file; give a folder, which is made if need be")
    policy, card = checkpoints.read(arguments.checkpoint, format=arguments.format)
    policy.eval().requires_grad_(False)
    sites = sites_by(policy, arguments.hook or stage_outputs(policy), arguments.by)
    Measure(policy, arguments.metric)

    options = training_env_options(card)
    states = pool_states(options, levels=arguments.levels, per_level=TRIED, seed=arguments.seed)
    pairs = minimal_pairs(states, arguments.variable, seed=arguments.seed, per_level=3)
    if pairs.n_levels < FEWEST:
        raise MechinterpError(
            f"only {pairs.n_levels} of {arguments.levels} levels have room to change {arguments.variable!r}, and "
            f"{FEWEST} are needed; give more with --levels"
        )
    rng = np.random.default_rng(arguments.seed)
    choose, report = pairs.split(0.4, rng)
    try:
        found = patching_sweep(
            policy,
            choose,
            report,
            sites,
            rng=rng,
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
        settings = {
            "command": shlex.join(["mechinterp", *sys.argv[1:]]),
            "checkpoint": str(arguments.checkpoint),
            "variable": pairs.variable,
            "clean": pairs.clean_label,
            "corrupted": pairs.corrupted_label,
            "levels": arguments.levels,
            "seed": arguments.seed,
        }
        arguments.out.mkdir(parents=True, exist_ok=True)
        content = json.dumps(settings | {"sweep": found.to_dict()}, indent=1, allow_nan=False)
        write_bytes(arguments.out / "patch.json", content.encode())
        write_bytes(arguments.out / "patch.csv", found.to_csv().encode())
        print(arguments.out / "patch.csv")


COMMAND = Command(
    summary="rank channels, layers or positions by how much of a variable's effect they carry",
    example="mechinterp patch checkpoints/standard --variable 'coin side' --out build/patch\n"
    "mechinterp patch checkpoints/standard --variable 'hazard ahead' --metric jump --by position --direction noise",
    configure=_configure,
    run=_run,
)
