"""Measure how much each variable of the world moves each readout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mechinterp import stats
from mechinterp.coinrun.scenes import VARIABLES, MinimalPairs, SceneError
from mechinterp.experiments.inputs.scenes import scenes
from mechinterp.experiments.plan import generator
from mechinterp.experiments.slice import Context, Sizes
from mechinterp.experiments.total_effect.result import Effect, Result, VariableEffects
from mechinterp.policies.controls import shuffled
from mechinterp.policies.graph import Policy
from mechinterp.policies.readouts import READOUTS
from mechinterp.proxies import pair_differences, total_effect

FEWEST_LEVELS = 5


@dataclass(frozen=True)
class Size:
    """How many networks make the reference.

    Attributes:
        shuffled: networks with shuffled weights.
    """

    shuffled: int


SIZES = Sizes(full=Size(shuffled=5), quick=Size(shuffled=2))


def measure(context: Context[Size]) -> Result:
    """Each variable's effect on each readout, and the same in networks with the trained weights shuffled."""
    shared, policy = context.inputs(scenes), context.subject.policy
    # Networks as initialised hardly prefer any action (their logits are near zero): too easy a reference. Shuffling
    # keeps the size of every layer's weights.
    controls = [shuffled(policy, seed=context.plan.seed + i) for i in range(context.size.shuffled)]
    found = {}
    for variable in VARIABLES.values():
        context.tick(f"total effect of {variable.name}")
        try:
            pairs = shared.pairs(variable.name)
        except SceneError:
            continue  # too few states had room for it; the result shows what was measured
        if pairs.n_levels >= FEWEST_LEVELS:
            rng = generator(context.plan.seed, f"total effect of {variable.name}")
            found[variable.name] = VariableEffects(
                role=variable.role,  # pyright: ignore[reportArgumentType]
                clean=variable.clean,
                corrupted=variable.corrupted,
                pairs=len(pairs),
                readouts=effects(policy, pairs, controls, rng=rng),
            )
    margins = {name: readout.margin for name, readout in READOUTS.items() if readout.margin is not None}
    return Result(margins=margins, shuffled_networks=context.size.shuffled, variables=found)


def effects(
    policy: Policy, pairs: MinimalPairs, controls: Sequence[Policy], *, rng: np.random.Generator
) -> dict[str, Effect]:
    """The effect on each readout, next to the control (of any network) whose effect is the largest."""
    own = total_effect(policy, pairs, rng=rng)
    per_control = [pair_differences(control, pairs) for control in controls]
    result = {}
    for name, effect in own.items():
        largest = max((one[name] for one in per_control), key=lambda values: abs(values.mean()))
        words = f"total effect of {pairs.variable} on {name}"
        result[name] = Effect(
            effect=effect.renamed(words),
            shuffled=stats.mean(
                largest, name=f"{words}, shuffled weights", unit="levels", rng=rng, clusters=pairs.levels
            ),
        )
    return result
