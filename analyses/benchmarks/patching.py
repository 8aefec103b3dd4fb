"""How fast is exact activation patching, against the loops that people use now?

    python analyses/benchmarks/patching.py                       # canonical IMPALA, every channel of every hook point
    python analyses/benchmarks/patching.py --sites maps --pairs 8

Three ways to patch the same channels of the same network between the same frames, in the same dtype and with as many
threads: `mechinterp.circuits.patch`, TransformerLens' own `generic_activation_patch`, and captum's
`LayerFeatureAblation` at the batch size that suits it best. First they must agree; then they take turns, and the
medians are compared. The bound is the work of running each patch through all layers behind it (their multiply-adds),
at the rate at which this machine runs whole frames in its best batch. Measured numbers are in `patching.md`.

The pairs are real ones, the coin to the right and to the left of the agent; `--unlike` takes frames of two different
levels instead, in which everything changes and locality cannot help.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ["TQDM_DISABLE"] = "1"  # TransformerLens draws a progress bar for every hook point

import numpy as np
import pandas as pd
import torch
from captum.attr import LayerFeatureAblation
from jaxtyping import Float64
from torch import Tensor, nn
from transformer_lens.patching import generic_activation_patch

from mechinterp.circuits import FramePairs, patch
from mechinterp.coinrun import GameOptions, LevelSource, scenes
from mechinterp.interventions import Site, channel_sites
from mechinterp.policies import ImpalaConfig, Policy, PolicyOutput, build, read
from mechinterp.policies.actions import movement_logodds
from mechinterp.policies.actors import AlwaysRight
from mechinterp.policies.levels import LEVELS
from mechinterp.policies.visits import visited_states

Answer = Float64[np.ndarray, "sites pairs"]

Clock = Callable[[], float]
CAPTUM_BATCHES = (8, 16, 32, 64, 128)


class Renamed:
    """A policy as `generic_activation_patch` wants its transformer: hook point i is called blocks.i.hook_x."""

    class cfg:
        device = "cpu"

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.names = {f"blocks.{i}.hook_x": name for i, name in enumerate(policy.hook_names)}

    def run_with_hooks(self, frames: Tensor, fwd_hooks: list[tuple[str, Any]]) -> PolicyOutput:
        return self.policy.run_with_hooks(frames, fwd_hooks=[(self.names[name], fn) for name, fn in fwd_hooks])


def by_transformer_lens(policy: Policy, pairs: FramePairs, sites: list[Site]) -> Answer:
    """One whole forward of all pairs for each patch."""
    model: Any = Renamed(policy)  # it has what `generic_activation_patch` uses, which is less than its types ask for
    clean = policy.capture(torch.from_numpy(pairs.clean), list({site.hook: None for site in sites})).values
    cache: Any = {short: clean[name] for short, name in model.names.items() if name in clean}
    index = [(policy.hook_names.index(site.hook), channel) for site in sites for channel in site.channels or ()]
    setter: Any = _put
    metric: Any = lambda output: movement_logodds(output.logits, policy.actions)  # noqa: E731

    result = generic_activation_patch(
        model,
        torch.from_numpy(pairs.corrupted),
        cache,
        metric,
        setter,
        "x",
        index_df=pd.DataFrame(index, columns=["layer", "channel"]),
        reduce="none",
    )
    return result.values.double().numpy()


def _put(value: Tensor, index: list[int], other: Tensor) -> Tensor:
    if value.ndim == 1:
        return other
    value = value.clone()
    value[:, index[1]] = other[:, index[1]]
    return value


def by_captum(policy: Policy, pairs: FramePairs, sites: list[Site], batch: int) -> Answer:
    """Whole forwards, `batch` patches of one pair in each."""
    hooks = list({site.hook: None for site in sites})
    clean = policy.capture(torch.from_numpy(pairs.clean), hooks).values
    columns = []
    for pair, frame in enumerate(torch.from_numpy(pairs.corrupted)):
        rows = []
        for hook in hooks:
            method = LayerFeatureAblation(
                lambda obs: movement_logodds(policy(obs).logits, policy.actions), policy.hook_dict[hook]
            )
            other = clean[hook][pair : pair + 1]
            features = torch.arange(math.prod(other.shape[1:2])).reshape(1, -1, *[1] * (other.ndim - 2))
            lost: Any = method.attribute(
                frame[None],
                layer_baselines=other,
                layer_mask=features.expand(other.shape) if other.ndim > 1 else torch.zeros(1, dtype=torch.long),
                perturbations_per_eval=batch,
            )
            rows.append(lost.reshape(1, max(1, features.numel()), -1)[0, :, 0])
        base = movement_logodds(policy(frame[None]).logits, policy.actions)
        columns.append(base - torch.cat(rows))
    return torch.stack(columns, 1).double().numpy()


def by_us(policy: Policy, pairs: FramePairs, sites: list[Site]) -> Answer:
    return patch(policy, pairs, sites).run[0]


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
        starts = source.starts(LEVELS["training"].first(4 * count + 8))
    finally:
        source.close()
    states = visited_states(AlwaysRight(0.5), starts, per_level=4)
    if unlike:
        frames = scenes.render(states[::4][: 2 * count])
        return FramePairs(frames[:count], frames[count:])
    made = scenes.minimal_pairs(states, "coin side", per_level=1)
    return FramePairs(made.clean[:count], made.corrupted[:count], made.levels[:count])


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", help="a policy on disk (default: the canonical IMPALA, random weights)")
    parser.add_argument("--sites", choices=["all", "maps"], default="all", help="every hook point, or the maps only")
    parser.add_argument("--every", type=int, default=1, help="take only one in so many sites (captum is left out then)")
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
    count = len(pairs.clean)
    print(
        f"{len(sites)} patches at {len(hooks)} hook points, {count} pairs, {options.threads} threads, {options.clock}"
    )

    ways: dict[str, Callable[[], np.ndarray]] = {
        "mechinterp": lambda: by_us(policy, pairs, sites),
        "TransformerLens": lambda: by_transformer_lens(policy, pairs, sites),
    }
    if options.every == 1:
        times = {}
        for batch in CAPTUM_BATCHES:  # on one hook point in the middle
            some = list(channel_sites(policy, policy.hook_names[len(policy.hook_names) // 2]))
            start = now()
            by_captum(policy, pairs, some, batch)
            times[batch] = now() - start
        best = min(times, key=times.__getitem__)
        ways[f"captum, {best} at once"] = lambda: by_captum(policy, pairs, sites, best)

    answers = {name: way() for name, way in ways.items()}
    for name, answer in answers.items():
        worst = np.abs(answer - answers["mechinterp"]).max()
        assert worst < 1e-4, f"{name} disagrees by {worst}"
        print(f"agreement with {name}: {worst:.1e} nats")

    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.repeats):
        for name, way in ways.items():
            start = now()
            way()
            seconds[name].append(now() - start)
    ours = statistics.median(seconds["mechinterp"])
    for name, taken in seconds.items():
        middle = statistics.median(taken)
        spread = f"{min(taken):.3f} to {max(taken):.3f}"
        print(f"{name:24s} {middle:8.3f} s ({spread})   {middle / ours:5.1f} times ours")
    least = bound(policy, pairs, sites, now)
    print(f"bound {least:.3f} s; we take {ours:.3f} s: {least / ours:.2f} of the bound's rate (above 1: work left out)")


if __name__ == "__main__":
    main()
