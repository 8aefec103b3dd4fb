"""Section 4: how much the coin, and what else, moves the policy's preferences."""

from __future__ import annotations

import numpy as np

from mechinterp import stats
from mechinterp.coinrun.scenes import VARIABLES, SceneError
from mechinterp.policies.controls import shuffled
from mechinterp.policies.readouts import READOUTS
from mechinterp.proxies import pair_differences, total_effect
from mechinterp.reports.measure.behaviour import Tick
from mechinterp.reports.measure.scenes import Scenes
from mechinterp.reports.section import Section, Table

MARGIN = 0.1
"""The largest effect on movement and jumping that would not matter, in nats: 5 points of probability around one half
are 0.2 nats."""
FEWEST_LEVELS = 5


def measure_drive(scenes: Scenes, *, tick: Tick) -> Section:
    """Each variable's effect on each readout, and the same in networks with the trained weights shuffled."""
    rng = np.random.default_rng([scenes.plan.seed, 4])
    policy = scenes.subject.policy
    # Networks as initialised hardly prefer anything (their logits are near zero), so they would be too easy a null:
    # shuffling keeps the size of every layer's weights.
    controls = [shuffled(policy, seed=scenes.plan.seed + i) for i in range(scenes.plan.untrained)]
    estimates, rows, pairs_total = [], [], 0
    for variable in VARIABLES.values():
        tick(f"drive: {variable.name}")
        try:
            pairs = scenes.pairs(variable.name)
        except SceneError:
            continue  # too few states had room for it; the table shows what was measured
        if pairs.n_levels < FEWEST_LEVELS:
            continue
        own = total_effect(policy, pairs, rng=rng)
        estimates += [found.renamed(f"effect/{variable.name}/{name}") for name, found in own.items()]
        per_control = [pair_differences(control, pairs) for control in controls]
        for readout in READOUTS:
            # The largest of them, so that the policy is held against the luckiest network of random weights.
            largest = max((found[readout] for found in per_control), key=lambda values: abs(values.mean()))
            name = f"untrained/{variable.name}/{readout}"
            estimates.append(stats.mean(largest, name=name, unit="levels", rng=rng, clusters=pairs.levels))
        words = {"variable": variable.name, "role": variable.role, "clean": variable.clean}
        rows.append({**words, "corrupted": variable.corrupted, "pairs": len(pairs)})
        pairs_total += len(pairs)
    return Section(
        name="drive",
        estimates=tuple(estimates),
        tables={"variables": Table.of(rows)},
        facts={"margin_movement": MARGIN, "margin_jump": MARGIN, "pairs": pairs_total},
    )
