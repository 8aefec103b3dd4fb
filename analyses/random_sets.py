"""How often does a random set of channels, passed in as the chosen one, carry "clearly more" than random sets?

    python analyses/random_sets.py                         # 60 sets at each stage of checkpoints/standard
    python analyses/random_sets.py --checkpoint checkpoints/coin --size 4 --tries 200

A set that was chosen at random is no better than others, so the share should be no more than the 5 % of the test. Two
rules are compared on the same sets: the rank among 100 random sets (what `mechinterp report` does), and the paired
difference from the mean of five random sets of the other channels (what it did before). The latter takes the spread
over levels for the spread over sets: one strong channel puts every set that holds it first.
"""

from __future__ import annotations

import argparse

import numpy as np

import mechinterp as mi
from mechinterp import stats
from mechinterp.circuits import patch
from mechinterp.experiments.channel_patching.measure import rank_null
from mechinterp.features.random_parts import RANDOM, channel_sets
from mechinterp.interventions import Site
from mechinterp.policies.stages import stage_outputs
from mechinterp.reporting.wording import reading

FIVE = 5


def clearly_more(chosen: np.ndarray, random: np.ndarray, levels: np.ndarray, rng: np.random.Generator) -> bool:
    """By the rank, and the interval of the difference from the mean; effects are signed by the total effect."""
    average = random.mean(0)
    found = stats.paired_difference(chosen, average, name="difference", unit="levels", rng=rng, clusters=levels)
    null = rank_null(found.value, random.mean(1) - average.mean(), 1.0)
    return reading(found.against(null)) == "above"


def more_than_the_mean_of_five(
    chosen: np.ndarray, random: np.ndarray, levels: np.ndarray, rng: np.random.Generator
) -> bool:
    """By the interval and the sign flips of the paired difference alone."""
    average = random[:FIVE].mean(0)
    found = stats.paired_difference(chosen, average, name="difference", unit="levels", rng=rng, clusters=levels)
    return reading(found) == "above"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="checkpoints/standard")
    parser.add_argument("--size", type=int, default=3, help="channels in a set")
    parser.add_argument("--tries", type=int, default=60, help="at each hook point")
    parser.add_argument("--levels", type=int, default=60)
    options = parser.parse_args()
    subject, rng = mi.load(options.checkpoint), np.random.default_rng(0)
    pairs = subject.pairs("coin side", levels=options.levels, per_level=1)
    counts: dict[str, list[bool]] = {"rank among 100": [], "mean of five others": []}
    for hook in stage_outputs(subject.policy):
        shape = subject.policy.shapes[hook]
        if len(shape) < 3:
            continue
        sets = channel_sets(range(shape[0]), options.size, options.tries + 4 * RANDOM, rng)
        effects = patch(subject.policy, pairs, [Site(hook, one) for one in sets])
        values = effects.effect() * np.sign(effects.total().mean())
        own = {name: [] for name in counts}
        for first in range(min(options.tries, len(sets))):
            others = np.array([i for i in range(len(sets)) if i != first])
            apart = np.array([i for i in others if not set(sets[i]) & set(sets[first])])
            drawn = rng.choice(others, min(RANDOM, len(others)), replace=False)
            own["rank among 100"].append(clearly_more(values[first], values[drawn], effects.levels, rng))
            if len(apart) >= FIVE:
                few = rng.choice(apart, FIVE, replace=False)
                found = more_than_the_mean_of_five(values[first], values[few], effects.levels, rng)
                own["mean of five others"].append(found)
        shares = ", ".join(f"{name} {np.mean(found):.1%} of {len(found)}" for name, found in own.items() if found)
        print(f"{hook} ({len(pairs)} pairs, sets of {options.size} of {shape[0]} channels): {shares}", flush=True)
        for name, found in own.items():
            counts[name] += found
    for name, found in counts.items():
        print(f"clearly more, {name}: {np.mean(found):.1%} of {len(found)} random sets")


if __name__ == "__main__":
    main()
