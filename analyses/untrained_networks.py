"""How often is an untrained network said to have a coin channel? It must be 5 % at most.

    python analyses/untrained_networks.py                       # 20 light networks, as `mechinterp locate --quick`
    python analyses/untrained_networks.py --architecture impala --full

Each network is freshly initialised and goes through the whole search of `mechinterp locate`: it plays levels of its
own, objects are put into the scenes that it reaches, 20 other untrained networks make the null, channels are chosen on
40 % of the levels and confirmed on the others. The result is written after every network, and an interrupted run goes
on where it was.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mechinterp.coinrun import GameOptions
from mechinterp.experiments import PAGES, locate
from mechinterp.experiments.comparison import FalseAlarms, UntrainedNetwork
from mechinterp.experiments.inputs.localization import SIZES
from mechinterp.policies import ImpalaConfig, Subject, build, light_impala
from mechinterp.policies.card import Card

ARCHITECTURES = {"light": light_impala, "impala": ImpalaConfig}
FIRST_SEED = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=20)
    parser.add_argument("--architecture", choices=tuple(ARCHITECTURES), default="light")
    parser.add_argument("--full", action="store_true", help="at the default size of locate, not at that of --quick")
    parser.add_argument("--out", type=Path, default=Path("analyses/reports/untrained/results.json"))
    arguments = parser.parse_args()

    quick = not arguments.full
    size = SIZES.quick if quick else SIZES.full
    levels = PAGES["localization"].levels[quick]
    found = FalseAlarms(
        architecture=arguments.architecture, levels=levels, scenes=size.pairs, untrained=size.untrained, networks=()
    )
    if arguments.out.exists():
        before = FalseAlarms.load(arguments.out)
        if before.model_copy(update={"networks": ()}) != found:
            raise SystemExit(f"{arguments.out} was measured in another way; give another --out")
        found = before
    for seed in range(FIRST_SEED + len(found.networks), FIRST_SEED + arguments.networks):
        network = searched(arguments.architecture, seed, quick=quick)
        found = found.model_copy(update={"networks": (*found.networks, network)})
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(found.model_dump_json() + "\n")
        count, verdicts = sum(network.coin_channels.values()), sorted(set(network.verdicts.values()))
        print(f"network {seed}: {count} coin channels; {', '.join(verdicts)}", flush=True)
    print(found.text())


def searched(architecture: str, seed: int, *, quick: bool) -> UntrainedNetwork:
    """What the search finds in one untrained network."""
    policy = build(ARCHITECTURES[architecture](), seed=seed)
    policy.eval().requires_grad_(False)
    subject = Subject(f"untrained {seed}", policy, Card(policy.config), "untrained", GameOptions(use_backgrounds=False))
    layers = locate(subject, quick=quick, seed=seed, only=["coin_features"])["coin_features"].layers
    return UntrainedNetwork(
        seed=seed,
        coin_channels={hook: len(layer.channels) for hook, layer in layers.items()},
        verdicts={hook: layer.verdict for hook, layer in layers.items()},
    )


if __name__ == "__main__":
    main()
