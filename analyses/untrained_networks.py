"""How often is a network that knows nothing said to have a coin channel? It must be 5 % at most.

    python analyses/untrained_networks.py                       # 20 light networks, as `mechinterp locate --quick`
    python analyses/untrained_networks.py --architecture impala --full

Each network is freshly initialised and goes through the whole search of `mechinterp locate`: it plays levels of its
own, things are put into the scenes that it reaches, 20 other untrained networks make the null, channels are chosen on
40 % of the levels and confirmed on the others. The result is written after every network, and a run that was cut short
goes on where it was.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np

from mechinterp.coinrun import GameOptions
from mechinterp.features import LocatePlan, search
from mechinterp.policies import ImpalaConfig, build, light_impala
from mechinterp.stats import proportion

ARCHITECTURES = {"light": light_impala, "impala": ImpalaConfig}
FIRST_SEED = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=20)
    parser.add_argument("--architecture", choices=tuple(ARCHITECTURES), default="light")
    parser.add_argument("--full", action="store_true", help="at the default size of locate, not at that of --quick")
    parser.add_argument("--out", type=Path, default=Path("analyses/reports/untrained/results.json"))
    arguments = parser.parse_args()

    plan = LocatePlan() if arguments.full else LocatePlan.quick()
    settings = {"architecture": arguments.architecture, "plan": dataclasses.asdict(plan)}
    rows = []
    if arguments.out.exists():
        before = json.loads(arguments.out.read_text())
        if before["settings"] != settings:
            raise SystemExit(f"{arguments.out} has other settings: {before['settings']}; give another --out")
        rows = before["networks"]
    for seed in range(FIRST_SEED + len(rows), FIRST_SEED + arguments.networks):
        policy = build(ARCHITECTURES[arguments.architecture](), seed=seed)
        policy.eval().requires_grad_(False)
        found = search(policy, GameOptions(use_backgrounds=False), plan, np.random.default_rng(seed))
        channels = {finding.hook: len(finding.channels) for finding in found.findings}
        verdicts = {finding.hook: finding.verdict for finding in found.findings}
        rows.append({"seed": seed, "coin_channels": channels, "verdicts": verdicts})
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps({"settings": settings, "networks": rows}, indent=1) + "\n")
        print(f"network {seed}: {sum(channels.values())} coin channels, {sorted(set(verdicts.values()))}", flush=True)

    held = [any(row["coin_channels"].values()) for row in rows]
    spread = [any(verdict.startswith("spread") for verdict in row["verdicts"].values()) for row in rows]
    print("said to have a coin channel:", proportion(held, name="coin channel", unit="networks"))
    print("said to have a coin direction beyond chance:", proportion(spread, name="direction", unit="networks"))


if __name__ == "__main__":
    main()
