"""Which channels carry the coin's side to the decision? An activation-patching script to start from.

    python analyses/activation_patching.py checkpoints/standard --levels 60

Makes minimal pairs (the coin the same distance right and left of the agent) out of states that the policy reaches,
patches every channel of every stage from the coin-right run into the coin-left run and back, and prints the channels
that carry most of the change in log P(right) - log P(left): chosen on some levels, measured on others. Then the best of
them is ablated in several ways.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

import mechinterp as mi
from mechinterp.circuits import attribution_patching
from mechinterp.interventions import Ablate, NaturalRange, resampled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--levels", type=int, default=60)
    parser.add_argument("--top", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    subject, rng = mi.load(arguments.checkpoint), np.random.default_rng(arguments.seed)

    # 1. Scenes: the same moment with the coin on either side.
    pairs = subject.pairs("coin side", levels=arguments.levels, seed=arguments.seed)
    choose, report = subject.split(pairs, seed=arguments.seed)
    print(f"{len(pairs)} pairs of {pairs.n_levels} levels: {pairs.clean_label} against {pairs.corrupted_label}")

    # 2. Rank every channel of every stage by exact patching, on the levels to choose on.
    ranked = mi.patch(subject, choose, by="channel")
    best = ranked.top(arguments.top).parts

    # Gradients would have ranked them faster. How well, in this network? Never trust attribution patching unchecked.
    quick = attribution_patching(subject, choose, by="channel", rng=rng)
    print(f"rank correlation of attribution patching with exact patching {quick.rank_correlation()}")

    # 3. Measure those on the other levels, both ways. Denoising asks what suffices, noising what is needed.
    both = {way: mi.patch(subject, report, best, direction=way) for way in ("denoise", "noise")}
    print(f"total effect {both['denoise'].total_estimate(rng=rng)} nats")
    print(f"{'site':<34}{'restores (nats)':<40}removes (nats)")
    for site in best:
        restored, removed = (both[way].estimate(site, rng=rng) for way in ("denoise", "noise"))
        print(f"{site!s:<34}{restored!s:<40}{removed}")

    # 4. Ablate the best one instead. An edit is patched as a site is; it may leave what the network ever produces.
    hook, channels = best[0].hook, best[0].channels
    values = subject.policy.activations(torch.from_numpy(np.concatenate([report.clean, report.corrupted])), hook)
    known = NaturalRange.of(values)
    reference = resampled(values, len(report), rng=rng)
    edits = {
        "zero": Ablate(hook, channels),
        "mean": Ablate(hook, channels, mode="mean", reference=values),
        "resample": Ablate(hook, channels, mode="resample", reference=reference),
    }
    ablated = mi.patch(subject, report, list(edits.values()), direction="noise")
    for name, edit in edits.items():
        outside = known.share_outside(edit(values[: len(report)]))[list(channels or ())].mean()
        found = ablated.estimate(edit, rng=rng)
        print(f"{name} ablation of {best[0]} removes {found} nats; {outside:.0%} of its values are unnatural")


if __name__ == "__main__":
    main()
