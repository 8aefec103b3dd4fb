"""How often a random network, as sensitive as a policy, would be said to choose by a value.

    python analyses/false_alarms_choices.py checkpoints/standard checkpoints/coin

Each of the random networks is taken for the policy and ranked among the others. `mechinterp choices` names a value
where p is 0.05 or less and the whole interval of its weight lies beyond the margin; here the weight itself must, so
that the shares are upper bounds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from mechinterp import stats
from mechinterp.experiments.choice_weights.view import ALPHA, MARGIN
from mechinterp.policies.subject import load
from mechinterp.proxies import RandomChoices, choice_scenes, random_choices


def claims(random: RandomChoices) -> dict[str, np.ndarray]:
    """By proxy, whether each network would be said to choose by it."""
    networks = len(next(iter(random.specific.values())))
    found = {name: np.zeros(networks, bool) for name in random.specific}
    for network in range(networks):
        own, others = random.leave_out(network)
        for name, rank in others.ranks(own).items():
            found[name][network] = rank.p <= ALPHA and abs(own[name]) > MARGIN
    return found


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--networks", type=int, default=100)
    parser.add_argument("--levels", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print("# How often a random network would be said to choose by a value\n")
    print(
        f"{options.networks} random networks as sensitive as each policy, without a liking of any action, each ranked\n"
        f"among the others, on {options.levels} levels. Upper bounds: the weight, not its whole interval, lies beyond\n"
        f"{MARGIN:g} nats per SD. Made by `analyses/false_alarms_choices.py`.\n"
    )
    print("| policy | claim | networks that earn it | 95 % CI |\n|---|---|--:|---|")
    for path in options.checkpoints:
        subject = load(path)
        scenes = choice_scenes(subject, levels=options.levels)
        found = claims(random_choices(subject, scenes, networks=options.networks, seed=options.seed))
        for name, earned in {"any value": np.any(list(found.values()), axis=0), **found}.items():
            share = stats.proportion(earned, name=name, unit="networks")
            print(f"| {subject.name} | {name} | {share.value:.0%} | {share.low:.0%} to {share.high:.0%} |")


if __name__ == "__main__":
    main()
