"""Is a circuit faithful, complete and minimal? Each question, on a network whose circuit is known.

    python analyses/circuit_tested.py --kind coin

Takes the channels of one layer that a planted network really uses, runs them by themselves, tests them, and does the
same with one channel less. Exchange the network and `Circuit.of(...)` for your own.
"""

from __future__ import annotations

import argparse

import numpy as np

from mechinterp.circuits import (
    DIRECTIONS,
    Circuit,
    ResidualGraph,
    completeness,
    edge_weight,
    equivalence,
    independence,
    matched_random_circuits,
    minimality,
    minimality_tests,
    run_circuit,
)
from mechinterp.circuits.planted import RECIPES, planted_network
from mechinterp.coinrun import GameOptions, LevelSource
from mechinterp.coinrun.scenes import coin_side, minimal_pairs
from mechinterp.policies import AlwaysRight, visited_states

HOOK = "block2.hook_conv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", default="two coin paths", choices=list(RECIPES))
    parser.add_argument("--levels", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    network, rng = planted_network(arguments.kind), np.random.default_rng(arguments.seed)
    policy, truth = network.policy, network.truth("coin side")
    if not truth:
        parser.error(f"{arguments.kind!r} does not react to the coin's side: there is no circuit to test")
    with LevelSource(GameOptions(use_backgrounds=False)) as source:
        states = visited_states(AlwaysRight(0.5), source.starts(range(arguments.levels)), per_level=1)
    pairs = minimal_pairs(states, coin_side(place="anywhere"), per_level=1)

    used = [node for node in network.used if node.hook == HOOK]
    true = Circuit.of(policy, used, universe=HOOK)
    print(f"{network.wants}: {', '.join(map(str, true.parts))}; {true}")
    for edge in sorted(edge for edge in truth if edge.target in used):
        print(f"  {edge}, weights from {edge_weight(policy, edge).min():.2f} to {edge_weight(policy, edge).max():.2f}")

    # Faithful: does it carry the effect by itself, and is the effect gone without it? Random circuits are the null.
    random = matched_random_circuits(policy, true, 5, rng)
    for way in DIRECTIONS:
        own, *others = run_circuit(policy, pairs, [true, *random], direction=way).shares(rng=rng)
        print(f"{way}: share of the total effect {own}; random circuits {np.mean([one.value for one in others]):.2f}")

    # Complete: does it lose as much without some of its parts as the network does? Minimal: is each part needed?
    lacking = true.without(true.parts[-1:])
    for name, one in (("true circuit", true), ("one channel less", lacking)):
        print(f"{name}: incompleteness {completeness(policy, pairs, one, rng=rng, draws=6)}")
    carried = minimality(policy, pairs, true, rng=rng)
    p = minimality_tests(policy, pairs, true, rng=rng, draws=20)
    for part, share in zip(true.parts, carried, strict=True):
        print(f"  {part} carries {share} within the circuit; p = {p[part]:.2f} that a part not needed does as much")

    # As statements that can be refuted (Shi et al. 2024).
    everything = true.with_parts(ResidualGraph.of(policy).nodes([HOOK]))
    for name, one in (("true circuit", true), ("one channel less", lacking)):
        same = equivalence(run_circuit(policy, pairs, one), "movement")
        rest = independence(run_circuit(policy, pairs, everything.without(one.parts)), "movement", rng=rng)
        print(f"{name}: p = {same.p:.3f} that {same.hypothesis}; p = {rest.p:.3f} that {rest.hypothesis}")


if __name__ == "__main__":
    main()
