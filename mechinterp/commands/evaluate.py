"""`mechinterp evaluate`: how a policy behaves, level by level, in numbers with intervals."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from mechinterp.commands import Command

if TYPE_CHECKING:
    from mechinterp.stats import Estimate


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path, help="a checkpoint folder, or a weights file of another project")
    parser.add_argument(
        "--placement",
        action="append",
        metavar="RULE",
        help="where the coin is: stock (default), random_percent=P, absent, decoy, left_of_agent, ...; may be repeated",
    )
    parser.add_argument("--levels", type=int, default=200, help="unseen levels, one whole episode each (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="of placements and sampled actions (default 0)")
    parser.add_argument("--max-steps", type=int, default=1000, help="give an episode up after so many (default 1000)")
    parser.add_argument("--greedy", action="store_true", help="take the likeliest action instead of sampling")
    parser.add_argument("--envs", type=int, default=64, help="games side by side; changes the speed only (default 64)")
    parser.add_argument("--threads", type=int, help="threads of the network; changes the speed only")
    parser.add_argument("--format", metavar="NAME", help="layout of a foreign file, where its keys do not tell")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _run(arguments: argparse.Namespace) -> None:
    import torch

    from mechinterp.errors import MechinterpError
    from mechinterp.policies import checkpoints
    from mechinterp.policies.actors import PolicyActor
    from mechinterp.policies.evaluation import UNSEEN_LEVELS, Trial, against_always_right, stop_of
    from mechinterp.policies.home import home_options

    if not 2 <= arguments.levels <= UNSEEN_LEVELS.count:
        raise MechinterpError(f"--levels {arguments.levels}: allowed are 2 to {UNSEEN_LEVELS.count:,}")
    if arguments.threads is not None:
        if arguments.threads < 1:
            raise MechinterpError(f"--threads {arguments.threads}: at least 1 is needed")
        torch.set_num_threads(arguments.threads)
    policy, card = checkpoints.read(arguments.checkpoint, format=arguments.format)
    policy.eval().requires_grad_(False)
    options = home_options(card)
    levels = UNSEEN_LEVELS.first(arguments.levels)
    tables = {}
    for rule in arguments.placement or ["stock"]:
        trial = Trial(rule, stop_of(rule), arguments.max_steps)
        tables[rule] = against_always_right(
            PolicyActor(policy, greedy=arguments.greedy),
            levels,
            trial,
            options=options,
            seed=arguments.seed,
            num_envs=arguments.envs,
        )
    if arguments.json:
        _print_json(arguments, tables)
    else:
        _print_tables(arguments, tables)


def _print_json(arguments: argparse.Namespace, tables: dict[str, list[Estimate]]) -> None:
    content = {
        "checkpoint": str(arguments.checkpoint),
        "levels": arguments.levels,
        "seed": arguments.seed,
        "max_steps": arguments.max_steps,
        "greedy": arguments.greedy,
        "placements": {rule: [estimate.to_dict() for estimate in table] for rule, table in tables.items()},
    }
    print(json.dumps(content, indent=1))


def _print_tables(arguments: argparse.Namespace, tables: dict[str, list[Estimate]]) -> None:
    for rule, table in tables.items():
        print(f"{arguments.checkpoint}, placement {rule}, {arguments.levels} unseen levels, 95 % intervals")
        width = max(len(estimate.name) for estimate in table)
        for estimate in table:
            print(f"  {estimate.name:<{width}}  {estimate}")


COMMAND = Command(
    summary="play unseen levels and count what happens, with intervals",
    example="mechinterp evaluate checkpoints/standard --placement stock --placement left_of_agent --levels 500",
    configure=_configure,
    run=_run,
)
