"""How fast is exact activation patching, against the loops that people use now?

    python analyses/benchmarks/patching.py                       # canonical IMPALA, every channel of every map
    python analyses/benchmarks/patching.py --sites all           # and every unit behind the convolutions
    python analyses/benchmarks/patching.py --every 4 --ways mechinterp tdhook pyvene

The same channels of the same network are patched between the same frames, in the same dtype and with as many threads,
in the ways of `ways.py`: `mechinterp.circuits.patch`; a suffix written by hand and nnsight's `skip`, both with a batch
for each hook point; and libraries with a forward for each patch (TransformerLens, tdhook, pyvene) or for some of them
(captum, at the batch size that suits it best). First they must agree; then they take turns, and the medians are
compared. Measured numbers are in `patching.md`.

Which sites are patched decides the comparison. Most sites of a network with 2,048 flattened features are single units
behind the convolutions: a whole forward each for those who run one for each patch, next to nothing for those who start
where the patch is. So maps are the default, and the mix is printed.

The bound is the work of running each patch through all layers behind it (their multiply-adds), at the rate at which
this machine runs whole frames in its best batch. The pairs are real ones, the coin to the right and to the left of the
agent; `--unlike` takes frames of two different levels instead, in which everything changes and locality cannot help.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import os
import statistics
import time
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"  # TransformerLens draws a progress bar for every hook point

import numpy as np
import torch
from torch import nn

from mechinterp.circuits import FramePairs
from mechinterp.coinrun import GameOptions, LevelSource, scenes
from mechinterp.interventions import Site, channel_sites
from mechinterp.policies import ImpalaConfig, Policy, build, read
from mechinterp.policies.actors import AlwaysRight
from mechinterp.policies.levels import LEVELS
from mechinterp.policies.visits import visited_states

_spec = importlib.util.spec_from_file_location("ways", Path(__file__).with_name("ways.py"))
assert _spec is not None
assert _spec.loader is not None
ways = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(ways)

Clock = Callable[[], float]
CAPTUM_BATCHES = (8, 16, 32, 64, 128)
WAYS = {
    "mechinterp": ways.by_us,
    "by hand": ways.by_hand,
    "nnsight": ways.by_nnsight,
    "TransformerLens": ways.by_transformer_lens,
    "captum": ways.by_captum,
    "tdhook": ways.by_tdhook,
    "pyvene": ways.by_pyvene,
}


def multiply_adds(policy: Policy) -> dict[str, int]:
    """Of each node, for one frame."""
    work = {}
    for node in policy.nodes:
        module = policy.get_submodule(node.module)
        cells = math.prod(policy.shapes[node.name][1:]) if isinstance(module, nn.Conv2d) else 1
        work[node.name] = module.weight.numel() * cells if isinstance(module, (nn.Conv2d, nn.Linear)) else 0
    return work


def bound(policy: Policy, pairs: FramePairs, sites: list[Site], now: Clock) -> float:
    """Seconds for the multiply-adds behind every patch, at the rate of whole frames in the best batch."""
    work = multiply_adds(policy)
    behind = {name: sum(list(work.values())[i + 1 :]) for i, name in enumerate(policy.hook_names)}
    rates = []
    for batch in (32, 64, 128):
        frames = torch.from_numpy(np.resize(pairs.clean, (batch, 64, 64, 3)))
        policy(frames)
        for _ in range(3):
            start = now()
            policy(frames)
            rates.append(batch * sum(work.values()) / (now() - start))
    return sum(behind[site.hook] for site in sites) * len(pairs.clean) / max(rates)


def frame_pairs(count: int, *, unlike: bool) -> FramePairs:
    source = LevelSource(GameOptions(use_backgrounds=False))
    try:
        starts = source.starts(LEVELS["training"].first(60 * count + 40))
    finally:
        source.close()
    states = visited_states(AlwaysRight(0.5), starts, per_level=4)
    if unlike:
        frames = scenes.render(states[::4][: 2 * count])
        return FramePairs(frames[:count], frames[count:])
    made = scenes.minimal_pairs(states, "coin side", per_level=1)
    if len(made) < count:
        raise SystemExit(f"only {len(made)} of {count} pairs were found")
    return FramePairs(made.clean[:count], made.corrupted[:count], made.levels[:count])


def with_best_batch(policy: Policy, pairs: FramePairs, now: Clock) -> Callable[..., np.ndarray]:
    """captum at the batch size that is fastest on one hook point in the middle."""
    some, times = list(channel_sites(policy, policy.hook_names[len(policy.hook_names) // 2])), {}
    for batch in CAPTUM_BATCHES:
        start = now()
        ways.by_captum(policy, pairs, some, batch=batch)
        times[batch] = now() - start
    best = min(times, key=times.__getitem__)
    print(f"captum: {best} patches at once")
    return partial(ways.by_captum, batch=best)


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", help="a policy on disk (default: the canonical IMPALA, random weights)")
    parser.add_argument("--sites", choices=["all", "maps"], default="maps", help="every hook point, or the maps only")
    parser.add_argument("--every", type=int, default=1, help="take only one in so many sites (not for captum)")
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=["mechinterp", "by hand", "nnsight"])
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--unlike", action="store_true", help="frames of different levels")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall", help="cpu: on a machine that others use")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    now = time.perf_counter if options.clock == "wall" else time.process_time

    policy = (read(options.checkpoint)[0] if options.checkpoint else build(ImpalaConfig(), seed=0)).eval()
    hooks = [name for name in policy.hook_names if options.sites == "all" or len(policy.shapes[name]) == 3]
    sites = list(channel_sites(policy, hooks))[:: options.every]
    pairs = frame_pairs(options.pairs, unlike=options.unlike)
    on_maps = sum(len(policy.shapes[site.hook]) == 3 for site in sites)
    print(
        f"{len(sites)} patches at {len(hooks)} hook points, {on_maps} of maps, {len(sites) - on_maps} of units; "
        f"{len(pairs.clean)} pairs, {options.threads} threads, {options.clock}"
    )

    chosen = {name: WAYS[name] for name in dict.fromkeys(["mechinterp", *options.ways])}
    if "captum" in chosen:
        chosen["captum"] = with_best_batch(deepcopy(policy), pairs, now)
    # A copy for each: nnsight leaves hooks on what it wraps, and under hooks our engine runs every layer whole.
    own = {name: deepcopy(policy) for name in chosen}
    answers = {name: way(own[name], pairs, sites) for name, way in chosen.items()}
    for name, answer in answers.items():
        worst = np.abs(answer - answers["mechinterp"]).max()
        assert worst < 1e-4, f"{name} disagrees by {worst}"
        print(f"agreement with {name}: {worst:.1e} nats")

    seconds: dict[str, list[float]] = {name: [] for name in chosen}
    for _ in range(options.repeats):
        for name, way in chosen.items():
            start = now()
            way(own[name], pairs, sites)
            seconds[name].append(now() - start)
    for name, taken in seconds.items():
        spread = f"{min(taken):.3f} to {max(taken):.3f}"
        times = statistics.median(a / b for a, b in zip(taken, seconds["mechinterp"], strict=True))
        print(f"{name:16s} {statistics.median(taken):8.3f} s ({spread})   {times:5.1f} times ours")
    least, ours = bound(policy, pairs, sites, now), statistics.median(seconds["mechinterp"])
    print(f"bound {least:.3f} s; we take {ours:.3f} s: {least / ours:.2f} of the bound's rate (above 1: work left out)")


if __name__ == "__main__":
    main()
