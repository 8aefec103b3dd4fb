"""`mechinterp evaluate`: how a policy behaves, level by level, in numbers with intervals."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from mechinterp.commands import Command, seed

if TYPE_CHECKING:
    from mechinterp.training.examination import Examination


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path, help="a checkpoint folder, or a weights file of another project")
    parser.add_argument(
        "--placement",
        action="append",
        metavar="RULE",
        help="where the coin is: stock, random_percent=P, absent, decoy, left_of_agent, ...; may be repeated. "
        "Without it: where it was trained, stock, random_percent=100, left_of_agent, absent, and then the choice tests",
    )
    parser.add_argument(
        "--ablate",
        action="append",
        metavar="HOOK[:CHANNELS]",
        help="play without a part of the network, compared with all of it on the same levels: a hook point or a "
        "pattern, and channels such as 3,17 or 0-3 (default: all); may be repeated",
    )
    parser.add_argument(
        "--ablation",
        default="mean",
        choices=["mean", "zero"],
        help="what is put in: the mean over frames that the policy meets (default), or zeros",
    )
    parser.add_argument("--levels", type=int, default=200, help="held-out levels, one whole episode each (default 200)")
    parser.add_argument("--seed", type=seed, default=0, help="random seed (default 0)")
    parser.add_argument("--max-steps", type=int, default=1000, help="give an episode up after so many (default 1000)")
    parser.add_argument("--greedy", action="store_true", help="take the likeliest action instead of sampling")
    parser.add_argument("--envs", type=int, default=64, help="games at a time; changes the speed only (default 64)")
    parser.add_argument("--threads", type=int, help="threads of the network; changes the speed only")
    parser.add_argument("--format", metavar="NAME", help="layout of a foreign file, if it cannot be auto-detected")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _run(arguments: argparse.Namespace) -> None:
    import sys

    import torch

    from mechinterp.errors import MechinterpError
    from mechinterp.interventions import Ablate, evaluate, mean_ablation, parse_sites
    from mechinterp.policies.subject import load
    from mechinterp.training.examination import check_levels

    check_levels(arguments.levels)
    if arguments.threads is not None:
        if arguments.threads < 1:
            raise MechinterpError(f"--threads {arguments.threads}: at least 1 is needed")
        torch.set_num_threads(arguments.threads)
    subject = load(arguments.checkpoint, format=arguments.format)
    sites = [site for text in arguments.ablate or () for site in parse_sites(text, subject.policy)]
    if arguments.ablation == "mean":
        edits = mean_ablation(subject, sites, seed=arguments.seed) if sites else ()
    else:
        edits = tuple(Ablate(site.hook, site.channels) for site in sites)
    found = evaluate(
        subject,
        edits=edits,
        placements=arguments.placement,
        levels=arguments.levels,
        max_steps=arguments.max_steps,
        greedy=arguments.greedy,
        seed=arguments.seed,
        num_envs=arguments.envs,
        tick=lambda words: print(f"{words} ...", file=sys.stderr),
    )
    if arguments.json:
        _print_json(arguments, found)
    else:
        _print_tables(arguments, found)


def _print_json(arguments: argparse.Namespace, found: Examination) -> None:
    content = {
        "checkpoint": str(arguments.checkpoint),
        "seed": arguments.seed,
        "max_steps": arguments.max_steps,
        "greedy": arguments.greedy,
        **({"ablate": arguments.ablate, "ablation": arguments.ablation} if arguments.ablate else {}),
        **found.to_dict(),
    }
    print(json.dumps(content, indent=1))


def _print_tables(arguments: argparse.Namespace, found: Examination) -> None:
    without = f", {arguments.ablation} ablation of {', '.join(arguments.ablate)}" if arguments.ablate else ""
    for title, table in found.tables().items():
        print(f"{arguments.checkpoint}{without}, {title}, 95 % intervals")
        width = max(len(estimate.name) for estimate in table)
        for estimate in table:
            print(f"  {estimate.name:<{width}}  {estimate}")
    if found.qualified is not None:
        verdict = "does" if found.qualified else "does not do"
        print(f"{arguments.checkpoint}: {verdict} what it was paid for in at least 90 % of every easy fork")


COMMAND = Command(
    summary="play held-out levels and count what happens, with intervals",
    example="mechinterp evaluate checkpoints/standard\n"
    "mechinterp evaluate checkpoints/standard --placement stock --placement left_of_agent --levels 500 --json\n"
    "mechinterp evaluate checkpoints/coin --placement random_agent_and_coin --ablate block2.res1.hook_out:3,17",
    configure=_configure,
    run=_run,
)
