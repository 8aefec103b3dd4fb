"""How often does a random network earn a headline of the report? It must be 5 % at most.

    python analyses/false_alarms.py                         # 100 random networks, as sensitive as checkpoints/standard
    python analyses/false_alarms.py checkpoints/coin --networks 40 --levels 40

Half of the networks have the policy's weights shuffled, half are untrained; all are shifted and scaled to the policy's
mean and spread over frames of the common pool. Each is taken for the policy: the same minimal pairs, intervals, tests
and margins, and its rank among the other random networks. Printed is the share of networks for which the report would
claim each effect, with the rank and, for comparison, without it. Written: a table, and the claims of every network.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

import mechinterp as mi
from mechinterp import stats
from mechinterp.coinrun.scenes import MinimalPairs, SceneError, render
from mechinterp.experiments.total_effect.captions import claim
from mechinterp.experiments.total_effect.measure import FEWEST_LEVELS, result_of
from mechinterp.experiments.total_effect.result import Result
from mechinterp.policies import Policy, matched, policy_outputs, random_networks
from mechinterp.policies.sensitivity import silent
from mechinterp.proxies import RandomEffects, random_effects
from mechinterp.reporting.wording import number

SEED = 1_000
CLAIMED = ("above", "below")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", nargs="?", default="checkpoints/standard")
    parser.add_argument("--networks", type=int, default=100)
    parser.add_argument("--levels", type=int, default=100, help="of the pool, three states of each")
    parser.add_argument("--out", type=Path, default=Path("analyses/reports/false_alarms"))
    arguments = parser.parse_args()

    subject = mi.load(arguments.checkpoint)
    states = subject.states(levels=arguments.levels, per_level=2)
    reference, pairs = render(states), dict(measurable(subject, arguments.levels))
    table = random_effects(subject.policy, pairs, reference=reference, networks=arguments.networks, seed=SEED)
    results = [
        claimed_of(network, subject.policy, pairs, reference, table.leave_out(index))
        for index, network in enumerate(responding(subject.policy, reference, arguments.networks))
    ]
    text = report(results, subject.name, {name: one.n_levels for name, one in pairs.items()})
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / f"{subject.name}.md").write_text(text)
    found = [{"/".join(key): words for key, words in claims(result, rank=True).items()} for result in results]
    (arguments.out / f"{subject.name}.json").write_text(json.dumps(found, indent=0) + "\n")
    print(text)


def measurable(subject: mi.Subject, levels: int) -> Iterator[tuple[str, MinimalPairs]]:
    """The pairs of each variable that states of the pool have room for."""
    for name in mi.VARIABLES:
        try:
            pairs = subject.pairs(name, levels=levels, per_level=1)
        except SceneError:
            continue
        if pairs.n_levels >= FEWEST_LEVELS and (pairs.clean != pairs.corrupted).any():
            yield name, pairs


def responding(policy: Policy, reference: np.ndarray, count: int) -> Iterator[Policy]:
    """The networks that `random_effects` draws: those that respond to the frames."""
    drawn = random_networks(policy, seed=SEED)
    return itertools.islice((one for one in drawn if not silent(policy_outputs(one, reference))), count)


def claimed_of(
    network: Policy,
    policy: Policy,
    pairs: Mapping[str, MinimalPairs],
    reference: np.ndarray,
    others: RandomEffects,
) -> Result:
    """What the report measures of one network, scaled for each readout to the policy's spread of it."""
    own = {name: {} for name in pairs}
    for readout in mi.READOUTS:
        scaled = matched(network, policy, reference, readout=readout)
        for name, one in pairs.items():
            own[name] |= mi.total_effect(scaled, one, readouts=readout)
    return result_of(pairs, own, others, frames=len(reference))


def claims(result: Result, *, rank: bool) -> dict[tuple[str, str], str]:
    """What may be claimed of each variable's effect on each readout, with its rank or as if that were extreme."""
    found = {}
    for name, variable in result.variables.items():
        for readout, effect in variable.readouts.items():
            if not rank:
                effect = effect.model_copy(update={"rank": effect.rank.model_copy(update={"p": 0.0})})
            found[name, readout] = claim(effect, result.margins.get(readout))
    return found


def report(results: list[Result], policy: str, levels: Mapping[str, int]) -> str:
    """A table in Markdown: for each effect, the share of networks for which it is claimed."""
    tables = [[claims(result, rank=rank) for result in results] for rank in (True, False)]
    keys = list(tables[0][0])
    coin = [key for key in keys if key[0].startswith("coin") and mi.READOUTS[key[1]].acts]
    groups = {
        "**any effect of the coin on actions**": coin,
        **{f"{name}, {readout}": [(name, readout)] for name, readout in keys},
    }
    lines = [
        "# How often a random network earns a headline",
        "",
        f"{len(results)} random networks as sensitive as `{policy}`, each taken for the policy and ranked among the "
        f"others, on up to {max(levels.values())} levels (`python analyses/false_alarms.py`). Share for which the "
        "report claims an effect, 95 % CI.",
        "",
        "| claim | levels | claimed | without the rank |",
        "|---|---|---|---|",
    ]
    for words, family in groups.items():
        hits = [[any(one[key] in CLAIMED for key in family) for one in table] for table in tables]
        shares = [number(stats.proportion(own, name=words, unit="networks"), percent=True) for own in hits]
        lines.append(f"| {words} | {max(levels[name] for name, _ in family)} | {' | '.join(shares)} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
