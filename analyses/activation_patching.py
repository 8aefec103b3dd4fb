"""Which channels carry the coin's side to the decision? An activation-patching script to start from.

    python analyses/activation_patching.py checkpoints/standard --levels 60

Makes minimal pairs (the coin the same distance right and left of the agent) out of states that the policy reaches,
patches every channel of every stage from the coin-right run into the coin-left run and back, and prints the channels
that carry most of the change in log P(right) - log P(left): chosen on some levels, measured on others.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from mechinterp.circuits import attribute, channel_sites, patch
from mechinterp.coinrun import LevelSource
from mechinterp.coinrun.scenes import minimal_pairs
from mechinterp.policies import PolicyActor, read, visited_states
from mechinterp.policies.env_options import training_env_options
from mechinterp.policies.levels import LEVELS

STAGES = ("hook_pool", "hook_out", "hook_relu", "hook_post")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--levels", type=int, default=60)
    parser.add_argument("--top", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    policy, card = read(arguments.checkpoint)
    policy.eval().requires_grad_(False)

    # 1. Scenes: the same moment with the coin on either side.
    source = LevelSource(training_env_options(card))
    try:
        starts = source.starts(LEVELS["behaviour"].first(arguments.levels))
    finally:
        source.close()
    states = visited_states(PolicyActor(policy), starts, per_level=3, seed=arguments.seed)
    pairs = minimal_pairs(states, "coin side", seed=arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    choose, report = pairs.split(0.4, rng)
    print(f"{len(pairs)} pairs of {pairs.n_levels} levels: {pairs.clean_label} against {pairs.corrupted_label}")

    # 2. Rank every channel of every stage by exact patching, on the levels to choose on.
    sites = channel_sites(policy, lambda name: name.rpartition(".")[2] in STAGES)
    ranked = patch(policy, choose, sites, direction="denoise", metrics="movement")
    best = [sites[i] for i in ranked.ranking("movement")[: arguments.top]]

    # Gradients would have ranked them faster. How well, in this network? Never trust attribution patching unchecked.
    quick = attribute(policy, choose, sites, rng=rng, direction="denoise", metrics="movement")
    print(f"rank correlation of attribution patching with exact patching {quick.rank_correlation('movement')}")

    # 3. Measure those on the other levels, both ways. Denoising asks what suffices, noising what is needed.
    both = {way: patch(policy, report, best, direction=way, metrics="movement") for way in ("denoise", "noise")}
    print(f"total effect {both['denoise'].total_estimate('movement', rng=rng)} nats")
    print(f"{'site':<34}{'restores (nats)':<40}removes (nats)")
    for row, site in enumerate(best):
        restored, removed = (both[way].estimate(row, "movement", rng=rng) for way in ("denoise", "noise"))
        print(f"{site.label:<34}{restored!s:<40}{removed}")


if __name__ == "__main__":
    main()
