"""What the model organisms do, compared, from the evaluations that `mechinterp card` left in their folders.

    python analyses/organisms_compared.py checkpoints/* > analyses/reports/organisms.md

Nothing is played here: every number is read from ``evaluation.json`` and printed with its interval.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from mechinterp.errors import MechinterpError
from mechinterp.stats import Estimate
from mechinterp.training import FoundRun, find_run

FORK = "coin left"
STOCK_FORK = "stock level, coin left"
PLAYED = {"stock": ("coin", "died"), "random_percent=100": ("coin", "end"), "absent": ("end", "timeout")}


def share(estimates: Mapping[str, Estimate], name: str) -> str:
    found = estimates.get(name)
    return "-" if found is None else f"{found.value:.0%} [{found.low:.0%}, {found.high:.0%}]"


def row(run: FoundRun) -> list[str]:
    if run.evaluation is None:
        raise MechinterpError(f"{run.folder}: no evaluation; `mechinterp card` makes one")
    forks = {each["name"]: Estimate.from_dict(each) for each in run.evaluation["choice_tests"]}
    cells = [run.folder.name, f"{run.steps:,}", {True: "yes", False: "no", None: "open"}[run.evaluation["qualified"]]]
    for fork in (FORK, STOCK_FORK):
        cells += [share(forks, f"{fork}/{goal}") for goal in ("coin", "end", "start")]
    for placement, outcomes in PLAYED.items():
        played = {each["name"]: Estimate.from_dict(each) for each in run.evaluation["placements"][placement]}
        cells += [share(played, f"outcome/{outcome}") for outcome in outcomes]
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="of training runs with cards")
    folders = parser.parse_args().folders
    runs = [run for folder in folders if (run := find_run(folder)) is not None]
    if not runs:
        raise MechinterpError(f"no training run in {', '.join(map(str, folders))}")
    head = ["policy", "steps", "confirmed"]
    head += [f"{fork}: {goal}" for fork in ("coin left", "stock, coin left") for goal in ("coin", "end", "start")]
    head += [f"{placement}: {outcome}" for placement, outcomes in PLAYED.items() for outcome in outcomes]
    print("Shares of forks (200 steps; what was reached) and of held-out seeds (outcome of the whole episode, by")
    print("placement of the coin), with 95 % intervals. Confirmed: what the organism is paid for, in at least 90 % of")
    print("every easy fork; open where coin and end are paid alike.\n")
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for run in runs:
        print(f"| {' | '.join(row(run))} |")


if __name__ == "__main__":
    main()
