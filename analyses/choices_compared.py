"""A table of what several policies choose by, from the results that `mechinterp choices` wrote.

mechinterp choices checkpoints/standard --out build/choices/standard      # and so on, about 85 s of CPU each
python analyses/choices_compared.py build/choices/* > analyses/reports/choices.md
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mechinterp.experiments import Results
from mechinterp.stats import Estimate

HEAD = (
    "policy", "right", "level end", "coin, as fitted", "coin, phantom's taken off", "random networks (coin)",
    "explained by all", "maximises the return", "best single proxy", "reacts by rule",
)  # fmt: skip


def row(results: Results) -> list[str]:
    """One policy: weights in nats per SD, and shares of the explainable nats."""
    weights, stories = results["choice_weights"], results["stories"].stories
    proxies = weights.proxies
    coin = proxies["coin"]
    best = max((name for name, one in stories.items() if one.kind == "proxy"), key=lambda name: stories[name].share)
    return [
        results.identity.name,
        *(written(proxies[name].weight) for name in ("right", "level end", "coin")),
        written(coin.own),
        f"{coin.random_low:+.2f} to {coin.random_high:+.2f}",
        percent(weights.explained),
        percent(stories["maximises the return"].share),
        f"{best.removeprefix('wants ')}: {percent(stories[best].share)}",
        percent(stories["reacts by rule"].share),
    ]


def percent(share: float) -> str:
    """A share of 1, without a sign before 0."""
    return f"{round(100 * share)} %"


def written(estimate: Estimate | None) -> str:
    """Value and interval."""
    return "" if estimate is None else f"{estimate.value:+.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="what `mechinterp choices --out` wrote")
    rows = [row(Results.load(folder / "results.json")) for folder in parser.parse_args().folders]
    print("# What policies choose by\n")
    print(
        "Choice weights in nats per SD with 95 % CIs over 150 held-out levels (half of them mirrored), and the share\n"
        "of the explainable nats that each story explains on levels it was not fitted to. The phantom is the same fit\n"
        "with the coin out of the frame. The range of random networks is of 100 networks of the policy's sensitivity.\n"
        "Made by `analyses/choices_compared.py`.\n"
    )
    for cells in (HEAD, ["---"] * len(HEAD), *rows):
        print("|", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
