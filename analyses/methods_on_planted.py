"""Which method finds a circuit whose every edge is known? Each of them, on each kind of planted network.

    python analyses/methods_on_planted.py --out analyses/reports/planted        # about two minutes of CPU time

Every method ranks all edges of a planted network by what it makes of the same minimal pairs, and is scored by the area
under the ROC of the true edges. Pruning and the mask also end with a set of edges: precision and recall say how much
of it is true, and how much of the truth it has. Writes `methods.json` and, drawn from that alone, `methods.md`.

Pairs of a gate have the coin on either side with lava in view, and the same without: four frames, whose interaction is
asked. A method that takes a share of a total effect refuses paths that cancel, and one that works on pairs alone
refuses four frames: "-" in the table.

One kind has two paths of which either is enough. They are redundant in the pairs "coin on the right" (a coin or none),
not in "coin side": a path that is moved alone to the other side fills that side too. So it is measured on both.
Gradients, integrated or not, miss parts of paths that back each other up: where either is enough, the network's answer
is flat in both, on most of the way from the one run to the other.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mechinterp.circuits import (
    CircuitError,
    FramePairs,
    Ranking,
    TwoByTwo,
    acdc,
    by_attribution,
    by_effects,
    compare,
    learned_mask,
    path_patching,
)
from mechinterp.circuits.masks import MaskOptions
from mechinterp.circuits.planted import RECIPES, PlantedNetwork, planted_network
from mechinterp.circuits.planted.pieces import COIN_SIDE_AND_LAVA
from mechinterp.coinrun import GameOptions, LevelSource, edits, geometry
from mechinterp.coinrun.scenes import MinimalPairs, coin_at, coin_side, minimal_pairs, render
from mechinterp.policies.actors import AlwaysRight
from mechinterp.policies.levels import LEVELS
from mechinterp.policies.visits import visited_states

Found = tuple[Ranking, float | None]
"""A ranking, and the score above which a part belongs to the circuit, where the method says so itself."""
COINS = {"coin side": coin_side(place="anywhere"), "coin on the right": coin_at("right", place="anywhere")}
"""What differs in the minimal pairs: the side that the coin is on; a coin on the right, or none. In the air too: a
planted network sees colours alone."""
FOUND = 0.99
PRUNED_BELOW, MASK = 0.01, MaskOptions(steps=150, rate=0.2, pairs=8)


def methods(network: PlantedNetwork, pairs: FramePairs | TwoByTwo, seed: int) -> dict[str, Callable[[], Found]]:
    policy = network.policy

    def exact(way: Any) -> Callable[[], Found]:
        return lambda: (by_effects(policy, pairs, kind="edges", way=way), None)

    def approximate(method: Any) -> Callable[[], Found]:
        rng = np.random.default_rng(seed)
        return lambda: (by_attribution(policy, pairs, kind="edges", method=method, rng=rng), None)

    def mask() -> Found:
        generator = torch.Generator().manual_seed(seed)
        return learned_mask(policy, pairs, kind="edges", generator=generator, options=MASK), 0.0

    return {
        "exact, larger of both ways": exact("both"),
        "exact, denoising": exact("denoise"),
        "exact, noising": exact("noise"),
        "path patching": lambda: (path_patching(policy, pairs), None),
        "attribution patching": approximate("gradient"),
        "EAP-IG, frames": approximate("eap-ig inputs"),
        "EAP-IG, activations": approximate("eap-ig activations"),
        "greedy pruning (ACDC)": lambda: (
            acdc(policy, pairs, kind="edges", threshold=PRUNED_BELOW),
            PRUNED_BELOW,
        ),
        "learned mask": mask,
    }


def frames(network: PlantedNetwork, scenes: Mapping[str, MinimalPairs]) -> dict[str, FramePairs | TwoByTwo]:
    """Pairs in which the network's circuit has something to carry: the coin's side, and a coin against none where that
    is known too; four frames for a gate; or, where it does not care for coins, frames of different levels."""
    if network.carries.get(COIN_SIDE_AND_LAVA):
        return {COIN_SIDE_AND_LAVA: with_lava(scenes["coin side"])}
    coins = {name: pairs for name, pairs in scenes.items() if network.carries.get(name)}
    if coins:
        return {name: FramePairs(pairs.clean, pairs.corrupted, pairs.levels) for name, pairs in coins.items()}
    sides = scenes["coin side"]
    half = len(sides) // 2
    mixed = np.concatenate([sides.clean[:half], sides.corrupted[:half]])
    return {"another level": FramePairs(mixed, np.roll(mixed, half // 2 + 1, axis=0))}


def with_lava(pairs: MinimalPairs) -> TwoByTwo:
    """The pairs, and the same with lava in the ground somewhere in view, where all four scenes have room for it."""
    rows, made = [], []
    for row, sides in enumerate(zip(pairs.states("clean"), pairs.states("corrupted"), strict=True)):
        x, y = geometry.agent_cell(sides[0])
        for cell in [(x + dx, y + dy) for dy in (-1, -2, -3) for dx in (-1, 1, 0, 2, -2, 3, -3, 4, -4, 5, -5)]:
            try:
                both = render([edits.add_lava(state, [cell]) for state in sides])
            except edits.EditError:
                continue
            own = (pairs.clean[row], pairs.corrupted[row])
            if all((one != other).any() for one, other in zip(both, own, strict=True)):
                rows.append(row)
                made.append(both)
                break
    four = np.array(made)
    return TwoByTwo(four[:, 0], pairs.clean[rows], four[:, 1], pairs.corrupted[rows], pairs.levels[rows])


def measure(
    network: PlantedNetwork, seed: int, variable: str, pairs: FramePairs | TwoByTwo, only: list[str] | None
) -> list[dict[str, Any]]:
    kind = network.name
    truth, undecided = network.truth(variable), network.undecided(variable)
    rows = []
    for name, method in methods(network, pairs, seed).items():
        if only and name not in only:
            continue
        start = time.process_time()
        row: dict[str, Any] = {
            "method": name, "kind": kind, "seed": seed, "variable": variable, "pairs": len(pairs), "true": len(truth),
        }  # fmt: skip
        try:
            ranking, threshold = method()
        except CircuitError as error:
            rows.append(row | {"refused": str(error)})
            print(f"{kind}, {variable}, {seed} {name}: {error}", flush=True)
            continue
        row |= {
            "candidates": len(ranking.parts), "auroc": ranking.auroc(truth, undecided=undecided),
            "cpu_seconds": round(time.process_time() - start, 2),
        }  # fmt: skip
        if ranking.agreement:
            row["rank_correlation"] = [found.to_dict() for found in ranking.agreement]
        if threshold is not None and (kept := set(ranking.above(threshold).parts) - undecided):
            match = compare(kept, truth)
            row |= {"kept": len(kept), "precision": match.precision, "recall": match.recall}
        rows.append(row)
        print(f"{kind}, {variable}, {seed} {name}: {row['auroc']:.3f}", flush=True)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """The smallest area over seeds, a line a method and a column a kind and variable; then what pruning and the mask
    end with."""
    columns = list(dict.fromkeys((row["kind"], row["variable"]) for row in rows))
    names, seeds = list(dict.fromkeys(row["method"] for row in rows)), len({row["seed"] for row in rows})
    cells = {
        (name, column): [r for r in rows if (r["method"], r["kind"], r["variable"]) == (name, *column)]
        for name in names
        for column in columns
    }
    head = ["| | " + " | ".join(f"{kind}: {variable}" for kind, variable in columns) + " |"]
    head += ["|---" * (len(columns) + 1) + "|"]
    pairs = sorted({row["pairs"] for row in rows})
    lines = [
        f"Area under the ROC of true edges, the smallest of {seeds} networks of each kind. Behind each kind stands "
        "what differs in its pairs: the side that the coin is on; a coin on the right, or none; the side with lava in "
        "view and without (2 x 2); or the level, where the network does not care for coins. -: refused: there is no "
        f"total effect to take shares of, or pairs alone are taken. Pairs: {' or '.join(map(str, pairs))}.", "", *head,
    ]  # fmt: skip
    for name in names:
        areas = [[r["auroc"] for r in cells[name, column] if "auroc" in r] for column in columns]
        lines.append(f"| {name} | " + " | ".join(f"{min(found):.3f}" if found else "-" for found in areas) + " |")
    for kind, variable in columns:
        missed = [name for name in names if any(row.get("auroc", 1) < FOUND for row in cells[name, (kind, variable)])]
        if missed:
            lines += ["", f"Not found in full in '{kind}' ({RECIPES[kind].wants}), {variable}: by {'; '.join(missed)}."]
    ended = [name for name in names if any("recall" in row for column in columns for row in cells[name, column])]
    if ended:
        lines += ["", "Precision and recall of the edges that are kept, the smallest of each.", "", *head]
    for name in ended:
        kept = [[r for r in cells[name, column] if "refused" not in r] for column in columns]
        both = [[min((r.get(key, 0.0) for r in own), default=None) for key in ("precision", "recall")] for own in kept]
        cut = ["-" if p is None or r is None else f"{p:.2f}, {r:.2f}" for p, r in both]
        lines.append(f"| {name} | " + " | ".join(cut) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--methods", nargs="+", help="only these")
    parser.add_argument("--seeds", type=int, default=2, help="networks of each kind (default 2)")
    parser.add_argument("--levels", type=int, default=12)
    parser.add_argument("--out", type=Path, help="folder for methods.json and methods.md (default: print only)")
    options = parser.parse_args()
    source = LevelSource(GameOptions(use_backgrounds=False))
    try:
        states = visited_states(AlwaysRight(0.5), source.starts(LEVELS["training"].first(options.levels)), per_level=1)
    finally:
        source.close()
    scenes = {name: minimal_pairs(states, variable, per_level=1) for name, variable in COINS.items()}
    rows = []
    for kind in options.kinds:
        for seed in range(options.seeds):
            network = planted_network(kind, seed=seed)
            for variable, pairs in frames(network, scenes).items():
                rows += measure(network, seed, variable, pairs, options.methods)
    print(table(rows))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        lines = ",\n".join(json.dumps(row) for row in rows)
        (options.out / "methods.json").write_text(f"[\n{lines}\n]\n")
        (options.out / "methods.md").write_text(table(rows))


if __name__ == "__main__":
    main()
