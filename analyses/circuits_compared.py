"""The smallest circuits of several policies, found in several ways, and compared.

    python analyses/circuits_compared.py checkpoints/* --levels 1000 --out analyses/reports/circuits
    python analyses/circuits_compared.py sharkey-impala.pt --levels 200 --out analyses/reports/circuits
    python analyses/circuits_compared.py openai-distill.safetensors --levels 1000 --out analyses/reports/circuits
    python analyses/circuits_compared.py --out analyses/reports/circuits          # only draw compared.md again

For each policy: which channels of the residual stream carry the coin's side and the end wall to movement, and a hazard
to jumping? Each method ranks the channels on some levels; the smallest circuit that has 80 % of the effect on these
levels, denoising and noising, is then measured on other levels, with random circuits of as many channels at every
layer. Where that size is not enough there, the smallest one that would be is looked for on those levels themselves, and
said to be that. Writes NAME.json for each policy, and `compared.md`, drawn from all that lie in the folder: other
policies can be added at any time, weights of other projects among them, wherever they lie.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mechinterp.circuits import (
    DIRECTIONS,
    CircuitError,
    Curve,
    MinimalFaithfulCircuit,
    Ranking,
    acdc,
    by_attribution,
    by_effects,
    compare,
    curve,
    exact_effects,
    learned_mask,
    minimal_faithful_circuit,
    smallest,
    stability,
)
from mechinterp.circuits.masks import MaskOptions
from mechinterp.circuits.minimal import refined
from mechinterp.coinrun import LevelSource
from mechinterp.coinrun.scenes import MinimalPairs, SceneError, coin_side, minimal_pairs
from mechinterp.policies import Policy, PolicyActor, stage_writers, visited_states
from mechinterp.policies.subject import load

QUESTIONS = (("coin side", "movement"), ("end wall", "movement"), ("hazard ahead", "jump"))
EXACT = "exact effects"
PRUNED_ON, DRAWS, FEWEST = 48, 20, 8
MASK = MaskOptions(steps=150, rate=0.2)


def rankings(policy: Policy, pairs: MinimalPairs, metric: str, seed: int) -> dict[str, Callable[[], Ranking]]:
    options: dict[str, Any] = {"kind": "nodes", "metric": metric, "universe": stage_writers(policy)}
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    some = pairs.select(np.arange(min(len(pairs), PRUNED_ON)))
    return {
        EXACT: lambda: by_effects(policy, pairs, **options),
        "attribution": lambda: by_attribution(policy, pairs, rng=rng, method="gradient", **options),
        "EAP-IG": lambda: by_attribution(policy, pairs, rng=rng, method="eap-ig inputs", **options),
        "pruning (ACDC)": lambda: acdc(policy, some, **options),
        "learned mask": lambda: learned_mask(policy, pairs, generator=generator, options=MASK, **options),
    }


def answer(policy: Policy, pairs: MinimalPairs, metric: str, seed: int) -> dict[str, Any]:
    """What every method finds for one variable; only the total effect, where there is too little to take shares of."""
    rng = np.random.default_rng(seed)
    choose, report = pairs.split(0.4, rng)
    found: dict[str, Any] = {
        "variable": pairs.variable, "metric": metric, "clean": pairs.clean_label, "corrupted": pairs.corrupted_label,
        "levels_choose": choose.n_levels, "levels_report": report.n_levels, "methods": [],
    }  # fmt: skip
    if min(choose.n_levels, report.n_levels) < FEWEST:
        return found | {"why": f"only {len(pairs)} levels have room for this change"}
    circuits = {}
    for name, rank in rankings(policy, choose, metric, seed).items():
        start = time.process_time()
        ranking = rank()
        one = minimal_faithful_circuit(
            policy, choose, report, ranking, metric=metric, draws=DRAWS, band=0, rng=rng,
        )  # fmt: skip
        found |= {"total": one.total.to_dict(), "why": one.why, "share": one.share}
        if one.circuit is None:
            break
        circuits[name] = one.circuit
        found["methods"].append(row(name, one))
        if not one.passed:
            found["methods"][-1] |= {"held_out_size": would_do(policy, report, one), "refined": True}
        found["methods"][-1]["cpu_seconds"] = round(time.process_time() - start, 1)
        if name == EXACT:
            both = [
                exact_effects(policy, choose, ranking.parts, direction=way, metric=metric).effect()
                for way in DIRECTIONS
            ]
            found["stability"] = stability(both, choose.levels, len(one.circuit), rng=rng).to_dict()
        print(f"  {pairs.variable}, {name}: {len(one.circuit)} of {len(ranking.parts)}", flush=True)
    both_of = itertools.combinations(circuits.items(), 2)
    found["jaccard"] = {f"{a} / {b}": compare(x, y).jaccard for (a, x), (b, y) in both_of}
    return found


def row(name: str, one: MinimalFaithfulCircuit) -> dict[str, Any]:
    assert one.circuit is not None
    channels: dict[str, list[int]] = {}
    for node in one.circuit.nodes:
        channels.setdefault(node.hook, []).append(node.channel)
    ways = {
        way: {
            "chosen": found.chosen.to_dict(), "random": found.random and found.random.to_dict(),
            "cpr": found.cpr.to_dict(), "cmd": found.cmd.to_dict(),
            "faithfulness": {size: round(e.value, 4) for size, e in found.faithfulness.items()},
        }
        for way, found in one.ways.items()
    }  # fmt: skip
    return {
        "method": name, "size": len(one.circuit), "candidates": one.circuit.size, "ways": ways, "channels": channels,
        "held_out_size": smallest([found.curve for found in one.ways.values()], share=one.share),
        "rank_correlation": [found.to_dict() for found in one.ranking.agreement],
    }  # fmt: skip


def would_do(policy: Policy, report: MinimalPairs, one: MinimalFaithfulCircuit) -> int:
    """The smallest size that is enough on the levels to report on: chosen there, so it is no result of theirs."""

    def curves(sizes: Sequence[int]) -> list[Curve]:
        return [curve(policy, report, one.ranking, sizes=sizes, direction=d, metric=one.metric) for d in DIRECTIONS]

    return refined(curves, one.ways["denoise"].curve.sizes, one.share)


def study(path: Path, levels: int, seed: int) -> dict[str, Any]:
    subject = load(path)
    policy = subject.policy
    with LevelSource(subject.options) as source:
        starts = source.starts(subject.held_out("behaviour", levels).seeds)
    states = visited_states(PolicyActor(policy), starts, per_level=6, seed=seed)  # hazards are not everywhere
    # In states of its own play hardly a coin has level ground on both sides: these may be anywhere.
    rules = {"coin side": dataclasses.replace(coin_side(place="anywhere"), name="coin side")}
    found = []
    for variable, metric in QUESTIONS:
        try:
            pairs = minimal_pairs(states, rules.get(variable, variable), seed=seed, per_level=1)
            found.append(answer(policy, pairs, metric, seed))
        except (SceneError, CircuitError) as error:
            found.append({"variable": variable, "metric": metric, "why": str(error), "methods": []})
    name = path.resolve().name if path.is_dir() else path.stem
    network = f"{policy.config.kind} {'-'.join(map(str, policy.config.channels))}"
    return {"subject": name, "network": network, "levels": levels, "seed": seed, "questions": found}


def share(estimate: dict[str, Any]) -> str:
    return f"{estimate['value']:.0%} [{estimate['low']:.0%}, {estimate['high']:.0%}]"


def shares(each: dict[str, Any]) -> str:
    """Of one method's chosen circuit, denoising and noising, and what random ones like it carry."""
    ways = [each["ways"][way] for way in DIRECTIONS]
    chance = ", ".join("-" if way["random"] is None else f"{way['random']['value']:.0%}" for way in ways)
    return " | ".join(share(way["chosen"]) for way in ways) + f" | {chance}"


def passed(found: dict[str, Any], each: dict[str, Any]) -> bool:
    return min(each["ways"][way]["chosen"]["value"] for way in DIRECTIONS) >= found["share"]


def held_out(found: dict[str, Any], each: dict[str, Any]) -> str:
    """Whether the chosen size is enough on the other levels, and which would have been."""
    if passed(found, each):
        return "yes"
    size = each["held_out_size"]
    if each.get("refined"):
        return f"chosen size missed; {size} would do"
    return f"chosen size missed; the next size tried that would do is {size}"


def drawn(subjects: list[dict[str, Any]]) -> str:
    """Everything that was found, as two tables."""
    lines = [
        "The smallest circuit (channels of the residual stream) that carries 80 % of an effect, denoising and noising, "
        "on levels that it was not chosen on. Each method ranks the channels and chooses the smallest size that is "
        "enough on some levels; of those whose chosen circuit has 80 % both ways on the other levels, too, this is the "
        "smallest. (That it passes is a choice among up to five on those levels: between methods a few channels more "
        "or less mean little. More than 100 % is more than the network's own effect.) Where a chosen size misses, the "
        "size named next to it was found on those levels themselves, halving the gap between sizes that are enough and "
        "sizes that are not; curves are not everywhere rising, so others may do, too. Next to each circuit, what it "
        "carries on those levels, and the mean of random circuits with as many channels at every layer. Effects in "
        "nats, intervals over levels (95 %). Stability: how much of the circuit of exact effects stays the same when "
        "the levels that it is chosen on are drawn again (mean Jaccard index).", "",
        "| policy | effect | total (n levels) | channels | found by | denoising | noising | random, both ways | exact "
        "effects alone: channels, held out | stability |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for one in subjects:
        for found in one["questions"]:
            lines.append(_summary(one["subject"], found))
    asked = "; ".join(f"{one['subject']} ({one['network']}) {one['levels']}, {one['seed']}" for one in subjects)
    lines += [
        "", f"Levels that scenes were looked for in, and seed: {asked}. Each is made by `python "
        "analyses/circuits_compared.py POLICY --levels LEVELS --seed SEED --out analyses/reports/circuits`, where "
        "POLICY is `checkpoints/NAME` or, for networks of other projects, their weights file (`sharkey-impala.pt`, "
        "`openai-distill.safetensors`).",
        "", "Every method: size of its smallest circuit, what it carries on held-out levels and what random ones do, "
        "areas on held-out levels (CPR: more is better; CMD: less is), what it shares with that of exact effects "
        "(Jaccard), and the rank correlation of approximate scores with exact ones, denoising and noising.", "",
        "| policy | effect | method | channels | denoising | noising | random, both ways | 80 % held out | CPR, CMD "
        "denoising | noising | Jaccard | rank correlation |", "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for one in subjects:
        for found in one["questions"]:
            lines += [_method(one["subject"], found, each) for each in found["methods"]]
    return "\n".join(lines) + "\n"


def _summary(subject: str, found: dict[str, Any]) -> str:
    start = f"| {subject} | {found['variable']} to {found['metric']} |"
    if "total" not in found:
        return f"{start} not measured: {found['why']} | | | | | | | |"
    t = found["total"]
    start += f" {t['value']:+.3f} [{t['low']:+.3f}, {t['high']:+.3f}] ({t['n']}) |"
    if not found["methods"]:
        return f"{start} none: {reason(found['why'])} | | | | | | |"
    exact = found["methods"][0]
    stable = "-" if "stability" not in found else f"{found['stability']['value']:.2f}"
    end = f"{exact['size']}: {held_out(found, exact)} | {stable} |"
    enough = [each for each in found["methods"] if passed(found, each)]
    if not enough:
        return f"{start} none passes on held-out levels | | | | | {end}"
    best = min(enough, key=lambda each: each["size"])
    return f"{start} {best['size']} of {best['candidates']} | {best['method']} | {shares(best)} | {end}"


def reason(why: str) -> str:
    """Why there is no circuit, shorter where an effect cannot be told from 0: how large it is, and where."""
    number = re.match(r"(where [^,]+), .* denominator, (\S+) with standard error (\S+) \(n=(\d+) levels\)", why)
    if number is None:
        return why
    where, value, error, levels = number.groups()
    return f"{where}, the effect of {value} (standard error {error}, {levels} levels) cannot be told from 0 well enough"


def _method(subject: str, found: dict[str, Any], each: dict[str, Any]) -> str:
    ways = [each["ways"][way] for way in DIRECTIONS]
    areas = " | ".join(f"{way['cpr']['value']:.2f}, {way['cmd']['value']:.2f}" for way in ways)
    alike = found["jaccard"].get(f"{EXACT} / {each['method']}", 1.0)
    ranks = ", ".join(f"{e['value']:.2f}" for e in each["rank_correlation"]) or "-"
    return (
        f"| {subject} | {found['variable']} to {found['metric']} | {each['method']} | {each['size']} | {shares(each)} "
        f"| {held_out(found, each)} | {areas} | {alike:.2f} | {ranks} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policies", nargs="*", type=Path, help="checkpoint folders, or weights of other projects")
    parser.add_argument("--levels", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for path in options.policies:
        print(path, flush=True)
        start = time.process_time()
        one = study(path, options.levels, options.seed) | {"cpu_seconds": round(time.process_time() - start)}
        (options.out / f"{one['subject']}.json").write_text(json.dumps(one, allow_nan=False) + "\n")
    subjects = [json.loads(path.read_text()) for path in sorted(options.out.glob("*.json"))]
    (options.out / "compared.md").write_text(drawn(subjects))
    print(options.out / "compared.md")


if __name__ == "__main__":
    main()
