"""Section 5: which channels respond to the coin at its place, more than in networks with random weights."""

from __future__ import annotations

import numpy as np
import torch

from mechinterp.coinrun import camera
from mechinterp.coinrun.scenes import MinimalPairs
from mechinterp.features import STATISTIC, UNIT, contrasts, null_contrasts
from mechinterp.policies.graph import Policy
from mechinterp.policies.stages import stage_outputs
from mechinterp.reporting.errors import ResultsError
from mechinterp.reports.measure.behaviour import Tick
from mechinterp.reports.measure.scenes import Scenes
from mechinterp.reports.section import Section, Table

VARIABLES = ("coin on the right", "coin on the left")
EXAMPLES, MAPS = 3, 4


def contrast(scenes: Scenes, *, tick: Tick) -> Section:
    """Contrasts of all channels on held-out levels; the strongest were chosen on other levels."""
    plan, policy = scenes.plan, scenes.subject.policy
    rng = np.random.default_rng([plan.seed, 5])
    hooks = stage_outputs(policy)
    choose, report = scenes.split(*VARIABLES)
    seeds = range(plan.seed, plan.seed + plan.untrained)
    tick("contrasts: choosing channels")
    chosen_on = contrasts(policy, choose, hooks=hooks)
    null = null_contrasts(policy, choose, seeds=seeds, hooks=hooks)
    top = [channel for hook in hooks for channel in chosen_on.top(plan.channels, hooks=[hook])]
    order = {channel: place for place, channel in enumerate(chosen_on.top(10**6, hooks=hooks, null=null))}
    top.sort(key=order.__getitem__)
    tick("contrasts: held-out levels")
    found = contrasts(policy, report, hooks=hooks)
    null = null_contrasts(policy, report, seeds=seeds, hooks=hooks)
    estimates = found.estimates(rng=rng, null=null)
    layers = [
        {
            "hook": hook,
            "channels": policy.shapes[hook][0],
            "side": policy.shapes[hook][-1] if _is_map(policy, hook) else 1,
        }
        for hook in hooks
    ]
    arrays, examples = _examples(policy, report, [channel for channel in top if _is_map(policy, channel[0])][:MAPS])
    return Section(
        name="contrast",
        estimates=tuple(estimates),
        tables={"layers": Table.of(layers), "top": Table(("hook", "channel"), tuple(top)), "examples": examples},
        arrays=arrays,
        facts={
            "statistic": STATISTIC,
            "unit": UNIT,
            "untrained_networks": plan.untrained,
            "pairs": len(report),
            "pairs_choose": len(choose),
        },
    )


def chosen_channels(section: Section | None) -> dict[str, tuple[int, ...]]:
    """Hook point -> its chosen channels, as the contrast section has them; maps only.

    Of the hidden units, hundreds without a place, a handful would say little beside another handful.
    """
    if section is None:
        raise ResultsError("patching needs the channels that the section 'contrast' chooses; it is not there")
    chosen: dict[str, tuple[int, ...]] = {}
    for layer in section.table("layers").records():
        hook = layer["hook"]
        if layer["side"] == 1:
            continue
        rows = [row["channel"] for row in section.table("top").records() if row["hook"] == hook]
        chosen[hook] = tuple(sorted(rows))
    return {hook: channels for hook, channels in chosen.items() if channels}


def _is_map(policy: Policy, hook: str) -> bool:
    return len(policy.shapes[hook]) == 3


def _examples(
    policy: Policy, pairs: MinimalPairs, channels: list[tuple[str, int]]
) -> tuple[dict[str, np.ndarray], Table]:
    """A few held-out pairs of different levels, with what the strongest channels make of them."""
    _, first = np.unique(pairs.levels, return_index=True)
    rows = pairs.select(first[np.linspace(0, len(first) - 1, min(EXAMPLES, len(first))).round().astype(int)])
    arrays: dict[str, np.ndarray] = {"examples": np.stack([rows.clean, rows.corrupted], 1)}
    hooks = list({hook for hook, _ in channels})
    sides = [policy.activations(torch.from_numpy(frames), hooks) for frames in (rows.clean, rows.corrupted)]
    for hook, channel in channels:
        arrays[f"map/{hook}/{channel}"] = np.stack([side[hook][:, channel].numpy() for side in sides], 1)
    boxes = [camera.boxes(state)["coin"][0] for state in rows.states("clean")]
    table = [
        {"level": int(level), "left": box.left, "top": box.top, "right": box.right, "bottom": box.bottom}
        for level, box in zip(rows.levels, boxes, strict=True)
    ]
    return arrays, Table.of(table)
