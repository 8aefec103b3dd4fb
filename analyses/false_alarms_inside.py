"""How often does a random network earn a claim about its inside? It must be 5 % at most.

    python analyses/false_alarms_inside.py                      # about six minutes of CPU time
    python analyses/false_alarms_inside.py checkpoints/coin --networks 40 --patched 10 --circuits 2

The random networks are those of `false_alarms.py` (half shuffled, half untrained, shifted and scaled to the policy's
mean and spread of movement), each taken for the policy, at the size of a first look (`mechinterp report --quick`): the
same minimal pairs, untrained networks, random sets and circuits. Patching and circuits cost more, so fewer networks are
taken apart. Printed is the share of networks that earn each claim and, for comparison, what it was without the
condition that keeps it: a channel beyond the range of its layer, without the farthest channel of each untrained
network; channels and circuits that carry more than random ones, whether or not random networks have an effect as large.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from false_alarms import SEED, claimed_of, measurable, responding

import mechinterp as mi
from mechinterp import stats
from mechinterp.coinrun.scenes import render
from mechinterp.experiments.channel_patching import captions as patching_words
from mechinterp.experiments.channel_patching import measure as patching
from mechinterp.experiments.channel_patching.result import Direction
from mechinterp.experiments.circuit import captions as circuit_words
from mechinterp.experiments.circuit import measure as circuit
from mechinterp.experiments.coin_contrast import measure as contrast
from mechinterp.experiments.coin_contrast import view as contrast_words
from mechinterp.experiments.coin_contrast.result import Result as ContrastResult
from mechinterp.experiments.inputs.scenes import Scenes, scenes
from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.experiments.plan import Plan
from mechinterp.experiments.slice import Context
from mechinterp.experiments.total_effect.result import Result as TotalEffectResult
from mechinterp.features import contrasts, null_contrasts
from mechinterp.features.untrained import NullContrasts
from mechinterp.policies import matched
from mechinterp.policies.stages import stage_outputs
from mechinterp.proxies import random_effects
from mechinterp.reporting.wording import number, reading, stands_out

Claims = dict[str, tuple[bool, bool | None]]
"""Claim -> whether a network earns it, and whether it would without the condition that keeps it (None: no other)."""


VERBS: dict[Direction, str] = {"denoise": "restore", "noise": "remove"}


class SharedScenes(Inputs):
    """Inputs of another policy with the minimal pairs that were made already: they come from the common pool."""

    def __init__(self, subject: mi.Subject, plan: Plan, made: Scenes) -> None:
        super().__init__(subject, plan)
        self.made = made

    def __call__(self, make: Callable[[Inputs], Any]) -> Any:
        return self.made if make is scenes else super().__call__(make)


@dataclass(frozen=True)
class Nulls:
    """What does not depend on the policy that is tried: contrasts of the untrained networks on the same pairs."""

    choose: NullContrasts
    report: NullContrasts


def inside(
    subject: mi.Subject, plan: Plan, made: Scenes, nulls: Nulls, seed: int
) -> tuple[Inputs, ContrastResult, Claims]:
    """The contrasts of a network, and what is claimed of them."""
    choose, report = made.split(*contrast.VARIABLES)
    hooks, rng = stage_outputs(subject.policy), np.random.default_rng(seed)
    result = contrast.result_of(
        contrasts(subject.policy, choose, hooks=hooks),
        nulls.choose,
        contrasts(subject.policy, report, hooks=hooks),
        nulls.report,
        channels=contrast.SIZES.of(plan).channels,
        rng=rng,
    )
    chosen = [result.layers[hook].channels[channel] for hook, channel in result.chosen]
    claims: Claims = {
        "contrast: the strongest chosen channel responds beyond untrained networks": (
            contrast_words.beyond(chosen[0]), stands_out(chosen[0]),
        ),
        "contrast: any chosen channel does": (
            any(map(contrast_words.beyond, chosen)), any(map(stands_out, chosen)),
        ),
        "contrast: some layer holds more of the coin than untrained networks": (
            any(layer.added for layer in result.layers.values()), None,
        ),
        "contrast: some layer holds less of it": (any(layer.discarded for layer in result.layers.values()), None),
    }  # fmt: skip
    return SharedScenes(subject, plan, made), result, claims


def patched(inputs: Inputs, found: ContrastResult, effects: TotalEffectResult, seed: int) -> Claims:
    """What is claimed of patching the chosen channels."""
    context = Context(inputs, patching.SIZES.of(inputs.plan), np.random.default_rng(seed))
    result = patching.measure(context, found, effects)
    clear = reading(result.total) != "unclear"
    return {
        f"patching: the chosen channels {verb} more of the coin's effect than random ones": (
            bool(patching_words.claimed(result, way)), clear and bool(patching_words.more_than_random(result, way)),
        )
        for way, verb in VERBS.items()
    }  # fmt: skip


def circuits(inputs: Inputs, effects: TotalEffectResult, seed: int) -> Claims:
    """What is claimed of circuits, of any question."""
    context = Context(inputs, circuit.SIZES.of(inputs.plan), np.random.default_rng(seed))
    result = circuit.measure(context, effects)
    bare = [
        one.circuit is not None
        and (circuit_words.faithful(one.circuit, result.share) or circuit_words.beyond_random(one.circuit))
        for one in result.questions.values()
    ]
    ranked = [circuit_words.claimed(one, result.share) for one in result.questions.values()]
    return {"circuit: a circuit is faithful or carries more than random ones": (any(ranked), any(bare))}


def networks(
    subject: mi.Subject, reference: np.ndarray, count: int, ranked: int, measured: Mapping[str, mi.MinimalPairs]
) -> Iterator[tuple[mi.Subject, TotalEffectResult | None]]:
    """The random networks as subjects; the first ones with their total effects, ranked among the others."""
    table = random_effects(subject.policy, measured, reference=reference, networks=count, seed=SEED)
    for index, network in enumerate(responding(subject.policy, reference, count)):
        effects = None
        if index < ranked:
            effects = claimed_of(network, subject.policy, measured, reference, table.leave_out(index))
        scaled = matched(network, subject.policy, reference, readout="movement")
        yield replace(subject, policy=scaled), effects


def report(found: list[Claims], policy: str, levels: int) -> str:
    """A table in Markdown: for each claim, the share of networks that earn it."""
    lines = [
        "# How often a random network earns a claim about its inside",
        "",
        f"Random networks as sensitive as `{policy}`, each taken for the policy, at the size of a first look ({levels} "
        "levels; `python analyses/false_alarms_inside.py`). Share of networks that earn a claim, 95 % CI. Without: of "
        "channels, without the farthest channel of each untrained network; of patching and circuits, whether or not "
        "random networks have an effect as large.",
        "",
        "| claim | networks | claimed | without |",
        "|---|---|---|---|",
    ]
    for name in dict.fromkeys(name for one in found for name in one):
        both = [one[name] for one in found if name in one]
        shares = [
            number(stats.proportion(list(hits), name=name, unit="networks"), percent=True)
            for hits in zip(*both, strict=True)
            if None not in hits
        ]
        lines.append(f"| {name} | {len(both)} | {' | '.join([*shares, '-'][:2])} |")
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", nargs="?", default="checkpoints/standard")
    parser.add_argument("--networks", type=int, default=100)
    parser.add_argument("--patched", type=int, default=40, help="of them, networks whose channels are patched")
    parser.add_argument("--circuits", type=int, default=10, help="of them, networks whose circuits are looked for")
    parser.add_argument("--levels", type=int, default=40)
    parser.add_argument("--out", type=Path, default=Path("analyses/reports/false_alarms"))
    arguments = parser.parse_args()

    subject, plan = mi.load(arguments.checkpoint), Plan(levels=arguments.levels, quick=True)
    made = Scenes(Inputs(subject, plan))
    reference = render(subject.states(levels=arguments.levels, per_level=2))
    hooks, seeds = stage_outputs(subject.policy), range(contrast.SIZES.of(plan).untrained)
    choose, kept = made.split(*contrast.VARIABLES)
    nulls = Nulls(
        null_contrasts(subject.policy, choose, seeds=seeds[: contrast.RANKING], hooks=hooks),
        null_contrasts(subject.policy, kept, seeds=seeds, hooks=hooks),
    )
    found: list[Claims] = []
    measured = dict(measurable(subject, arguments.levels))
    taken = max(arguments.patched, arguments.circuits)
    for index, (one, effects) in enumerate(networks(subject, reference, arguments.networks, taken, measured)):
        inputs, own, claims = inside(one, plan, made, nulls, index)
        if effects is not None and index < arguments.patched:
            claims |= patched(inputs, own, effects, index)
        if effects is not None and index < arguments.circuits:
            claims |= circuits(inputs, effects, index)
        found.append(claims)
        print(f"{index + 1} of {arguments.networks}", flush=True)
    text = report(found, subject.name, arguments.levels)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / f"{subject.name}-inside.md").write_text(text)
    (arguments.out / f"{subject.name}-inside.json").write_text(json.dumps(found, indent=0) + "\n")
    print(text)


if __name__ == "__main__":
    main()
